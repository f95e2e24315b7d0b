#!/usr/bin/env python3
"""Kills a job at many points of a save, first saves and overwrites, one rank and all of them, and looks at what is left.

Afterwards the path must hold the whole old checkpoint or the whole new one (or, at a first save, none), the next save must go
through, and nothing hidden may remain beside it. Points are drawn without repetition from all of them by a seeded generator;
`--points 0` takes every one.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile


def run(options, *arguments):
    command = [*options.mpirun, "-n", str(options.ranks), options.program, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, err = process.communicate(timeout=options.limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        sys.exit(f"hung: {' '.join(command)}")
    words = out.split()
    found = words[words.index("found") + 1] if "found" in words else None
    if "saved" not in words and process.returncode == 0:
        sys.exit(f"neither saved nor killed: {' '.join(command)}\n{out}{err}")
    return found, "saved" in words, process.returncode, err


def count_calls(options, victim, folder):
    """How many storage calls a victim makes in a first save and in an overwrite: by bisection over completed saves."""
    path = os.path.join(folder, "count")
    low, high = 0, 4096
    generation = 1
    while low < high:
        middle = (low + high) // 2
        _, saved, _, _ = run(options, "-", path, generation, victim, middle, "all")
        generation += 1
        low, high = (low, middle) if saved else (middle + 1, high)
    return low


def hidden(folder):
    return [name for name in os.listdir(folder) if name.startswith(".")]


def committed_beside(path):
    """Whether a save that was killed after its decision waits beside the path: the next save completes it."""
    folder, name = os.path.split(path)
    return any(os.path.exists(os.path.join(folder, entry, "commit")) for entry in hidden(folder)
               if entry.startswith(f".{name}."))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--mpirun", required=True, nargs=argparse.REMAINDER)
    parser.add_argument("--ranks", type=int, default=3)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=60)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="cairn-crash-") as folder:
        points = []
        for victim in range(options.ranks):
            calls = count_calls(options, victim, folder)
            print(f"rank {victim}: {calls} storage calls in an overwrite", flush=True)
            points += [(mode, victim, call, scope) for mode in ("first", "overwrite") for call in range(calls + 1)
                       for scope in ("one", "all")]
        generator = random.Random(options.seed)
        generator.shuffle(points)
        if options.points > 0:
            points = points[: options.points]

        work = os.path.join(folder, "work")
        os.mkdir(work)
        paths = {mode: os.path.join(work, mode) for mode in ("first", "overwrite")}
        # What may be found at each path: what was there before the last save that was killed, or what it wrote.
        allowed = {path: {"none"} for path in paths.values()}
        generation = 1
        _, saved, _, err = run(options, "-", paths["overwrite"], generation, 0, 10**9, "all")
        if not saved:
            sys.exit(f"the first save failed\n{err}")
        allowed[paths["overwrite"]] = {"1"}
        killed = completed = 0
        check = paths["overwrite"]
        for mode, victim, call, scope in points:
            generation += 1
            path = paths[mode]
            waiting = committed_beside(check)  # the save that follows the check may put it in place
            found, saved, _, err = run(options, check, path, generation, victim, call, scope)
            if found not in allowed[check]:
                sys.exit(f"{check} holds {found}, expected one of {sorted(allowed[check])}\n{err}")
            if not waiting:
                allowed[check] = {found}
            allowed[path] = {str(generation)} if saved else allowed[path] | {str(generation)}
            killed += not saved
            completed += saved
            check = path
            if mode == "first":  # the next one is a first save again, beside whatever is hidden there
                found, _, _, _ = run(options, path, os.path.join(folder, "aside"), generation, 0, 10**9, "all")
                if found not in allowed[path]:
                    sys.exit(f"{path} holds {found}, expected one of {sorted(allowed[path])}\n{err}")
                if os.path.exists(path):
                    shutil.rmtree(path)
                    allowed[path] = {"none"}
                elif not committed_beside(path):
                    allowed[path] = {found}
        for path, generations in list(allowed.items()):
            generation += 1
            found, saved, _, err = run(options, path, path, generation, 0, 10**9, "all")
            if found not in generations or not saved:
                sys.exit(f"{path} holds {found}, expected one of {sorted(generations)}; saved: {saved}\n{err}")
        if hidden(work):
            sys.exit(f"left behind: {hidden(work)}")
        print(f"{killed} kills, {completed} saves that finished before their point: every path held a whole checkpoint")
        if options.points > 0 and killed < options.points // 2:
            sys.exit("too few points were reached: the test does not test")


if __name__ == "__main__":
    main()
