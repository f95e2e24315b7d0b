#!/usr/bin/env python3
"""Kills an example at a step, lets it go on from its checkpoint on other numbers of ranks, and compares.

usage: resume_test.py (heat2d|train) PROGRAM MPIRUN
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

TIME_LIMIT_S = 60


class Runner:
    """Runs one program under mpirun, each run with a time limit."""

    def __init__(self, program, mpirun):
        self.program, self.mpirun = program, mpirun
        self.env = dict(os.environ)
        if os.geteuid() == 0:
            self.env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        version = subprocess.run([mpirun, "--version"], capture_output=True, text=True).stdout
        self.flags = ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"] if "Open MPI" in version else []

    def __call__(self, ranks, *arguments, dies=False, status=0):
        """What it printed. Its exit status must be `status`, or, with `dies`, anything but 0."""
        command = [self.mpirun, *self.flags, "-n", str(ranks), self.program, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.env,
                                   start_new_session=True)
        try:
            output, _ = process.communicate(timeout=TIME_LIMIT_S)
        except subprocess.TimeoutExpired:
            output = self.end(process)
            raise SystemExit(f"took over {TIME_LIMIT_S} s: {' '.join(command)}\n{output}")
        if (process.returncode == 0) if dies else (process.returncode != status):
            raise SystemExit(f"exit status {process.returncode}: {' '.join(command)}\n{output}")
        return output

    @staticmethod
    def end(process):
        process.send_signal(signal.SIGTERM)  # mpirun ends its ranks
        try:
            return process.communicate(timeout=10)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.communicate()[0]


def expect(condition, message, *outputs):
    if not condition:
        raise SystemExit("\n".join([message, *outputs]))


def only(pattern, output):
    """The one match of the pattern in what a program printed."""
    found = re.findall(pattern, output, re.MULTILINE)
    expect(len(found) == 1, f"expected one line like {pattern!r}", output)
    return found[0]


def leftovers(folder):
    return [entry.name for entry in folder.iterdir() if entry.name.startswith(".")]


def heat2d(run, work):
    plate = ["--nx", 37, "--ny", 29, "--steps", 60, "--every", 10]
    last_line = r"^heat2d: step 60, checksum [0-9a-f]{16}$"
    wanted = only(last_line, run(4, *plate, "--path", work / "whole" / "ckpt"))
    expect(wanted == only(last_line, run(1, *plate, "--path", work / "one" / "ckpt")), "1 and 4 ranks differ")
    # Before the first save; between two; at a save that the others have begun; just after one.
    for die_at, resumes_from in ((7, None), (25, 20), (40, 30), (41, 40)):
        killed = work / f"killed-{die_at}"
        run(4, *plate, "--path", killed / "ckpt", "--die-at", die_at, "--die-rank", die_at % 4, dies=True)
        for ranks in (3, 6):
            resumed = work / f"resumed-{die_at}-{ranks}"
            killed.mkdir(exist_ok=True)
            shutil.copytree(killed, resumed)
            output = run(ranks, *plate, "--path", resumed / "ckpt")
            expect(wanted == only(last_line, output), f"killed at {die_at}, resumed on {ranks}: the result differs", output)
            if resumes_from is None:
                expect("resumed" not in output, "resumed from nothing", output)
            else:
                expect(str(resumes_from) == only(r"^heat2d: resumed from step (\d+)$", output), "wrong step", output)
            expect(not leftovers(resumed), f"left behind: {leftovers(resumed)}", output)


def losses(output):
    return re.findall(r"^train: step (\d+), loss (\S+)$", output, re.MULTILINE)


def train(run, work):
    options = ["--steps", 40, "--every", 10]
    wanted = losses(run(4, *options, "--path", work / "whole"))
    expect(len(wanted) == 40, "40 losses were expected", str(wanted))
    expect(float(wanted[-1][1]) < 0.7 * float(wanted[0][1]), "it learns nothing", str(wanted))
    # The last two steps, and the best one.
    best = min((step for step, _ in wanted if int(step) % 10 == 0), key=lambda step: float(dict(wanted)[step]))
    expect(steps_in(work / "whole") == sorted({"30", "40", best}), f"kept: {steps_in(work / 'whole')}")
    # What a killed job was saving in the background is there or not.
    train_goes_on(run, work / "killed", options, wanted, ("10", "20"), "--die-at", 27, "--die-rank", 1, dies=True)
    # A signal takes effect one step later.
    train_goes_on(run, work / "ended", options, wanted, ("14",), "--die-at", 13, "--die-rank", 2, "--die-by",
                  int(signal.SIGTERM), status=75)
    output = run(2, *options, "--path", work / "whole")
    expect("resumed from step 40" in output and not losses(output), "a finished run does not end at once", output)


def train_goes_on(run, root, options, wanted, steps, *ending, **how_it_ends):
    """A run that comes to such an end goes on from one of the steps, on as many ranks and on others."""
    before = losses(run(4, *options, "--path", root, *ending, **how_it_ends))
    expect(before == wanted[: len(before)], "two runs on 4 ranks differ", str(before))
    for ranks in (4, 3, 6):
        resumed = root.with_name(f"{root.name}-{ranks}")
        shutil.copytree(root, resumed)
        output = run(ranks, *options, "--path", resumed)
        step = only(r"resumed from step (\d+), saved on 4 ranks", output)
        expect(step in steps, f"resumed from step {step}, not from {steps}", output)
        after = losses(output)
        expect([at for at, _ in after] == [str(at) for at in range(int(step) + 1, 41)], "wrong steps", output)
        if ranks == 4:
            expect(after == wanted[int(step):], "the losses after a resume on as many ranks differ", output)
        else:
            expect(float(after[-1][1]) < 0.7 * float(wanted[0][1]), "what was learnt is lost", output)


def steps_in(root):
    return sorted(entry.name for entry in root.iterdir() if not entry.name.startswith("."))


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("heat2d", "train"):
        sys.exit(__doc__)
    name, program, mpirun = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix=f"cairn-{name}-") as work:
        {"heat2d": heat2d, "train": train}[name](Runner(program, mpirun), pathlib.Path(work))


if __name__ == "__main__":
    main()
