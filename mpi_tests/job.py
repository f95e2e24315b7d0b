"""Runs a program under mpirun, for tests that kill it."""

import concurrent.futures
import os
import signal
import subprocess


class Failure(Exception):
    pass


def add_arguments(parser):
    parser.add_argument("program")
    parser.add_argument("--mpirun", required=True, nargs="...")
    parser.add_argument("--ranks", type=int, default=3)
    parser.add_argument("--chains", type=int, default=2, help="how many run side by side")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=60)


def run(options, ranks, arguments):
    """Returns the exit status, stdout and stderr. Where it takes too long, all of it is killed."""
    command = [*options.mpirun, "-n", str(ranks), options.program, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, errors = process.communicate(timeout=options.limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, errors = process.communicate()
        raise Failure(f"hung: {' '.join(command)}\n{out}{errors}")
    return process.returncode, out, errors


def run_chains(chains, work):
    """Calls work(chain, number) for each, side by side."""
    with concurrent.futures.ThreadPoolExecutor(len(chains)) as pool:
        for done in [pool.submit(work, chain, number) for number, chain in enumerate(chains)]:
            done.result()
