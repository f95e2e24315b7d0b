#!/usr/bin/env python3
"""Runs the code of guide.md. Each whole program four times: stopped by a deadline after a few steps; to its end; over again,
which finds nothing left to do; and anew, from one step to the last. Every other block once.

usage: guide_test.py MPIRUN BLOCKS PROGRAM...
"""

import os
import pathlib
import shutil
import sys
import tempfile
import time

DOCS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "examples"))

from markdown_code import check_blocks
from resume_test import Runner, expect, only


def steps_of(output):
    return tuple(int(step) for step in only(r"^from step (\d+) to (\d+)$", output))


def check_program(program):
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        del os.environ[name]
    deadline = Runner(program.program, program.mpirun)
    deadline.env["SLURM_JOB_END_TIME"] = str(int(time.time()) + 20)  # less than the 30 s that a save is given
    first, stopped = steps_of(deadline(2, status=75))
    expect(first == 0 and 0 < stopped < 1000, f"before a deadline, it went from step {first} to {stopped}")
    found = steps_of(program(3))
    expect(found == (stopped, 1000), f"it was stopped at step {stopped}, and went on from {found[0]} to {found[1]}")
    found = steps_of(program(1))
    expect(found == (1000, 1000), f"when it was over, it went from {found[0]} to {found[1]}")
    shutil.rmtree("run")
    found = steps_of(program(2))
    expect(found == (0, 1000), f"it went from step {found[0]} to {found[1]}")


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    blocks, *programs = (Runner(os.path.abspath(path), sys.argv[1]) for path in sys.argv[2:])
    for program in programs:
        with tempfile.TemporaryDirectory(prefix="cairn-guide-") as work:
            os.chdir(work)
            check_program(program)
            os.chdir(DOCS)
    with tempfile.TemporaryDirectory(prefix="cairn-guide-") as work:
        os.chdir(work)
        check_blocks(blocks, DOCS / "guide.md")
        os.chdir(DOCS)


if __name__ == "__main__":
    main()
