#!/usr/bin/env python3
"""The batch script puts its job back into the queue if, and only if, the program returns 75.

usage: slurm_test.py SCRIPT|FILE.md     a script, or the one block of bash in a document

Slurm is not needed: stubs stand for its commands, and write down how they are called.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from markdown_code import blocks_of

STUB = """#!/bin/sh
echo "${0##*/} $*" >> "$CALLS"
exit $%s
"""


def expect(condition, message, *details):
    if not condition:
        raise SystemExit("\n".join([message, *map(str, details)]))


def run(script, folder, *arguments, **statuses):
    """Its exit status, and the calls of Slurm's commands; they return what `statuses` says, else 0."""
    calls = folder / "calls"
    calls.write_text("")
    env = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", CALLS=str(calls), SLURM_JOB_ID="4711", TRAIN="the program")
    for name in ("srun", "scontrol", "sbatch"):
        stub = folder / name
        stub.write_text(STUB % f"{name}_status")
        stub.chmod(0o755)
        env[f"{name}_status"] = str(statuses.get(name, 0))
    done = subprocess.run(["bash", script, *arguments], env=env, capture_output=True, text=True, timeout=30)
    return done.returncode, calls.read_text().splitlines()


def check(script):
    text = pathlib.Path(script).read_text()
    expect(re.search(r"^#SBATCH --signal=TERM@\d+$", text, re.MULTILINE), "it asks for no signal to the ranks")
    first_command = re.search(r"^[^#\n]", text, re.MULTILINE).start()
    expect(text.rindex("#SBATCH") < first_command, "Slurm reads no option after the first command")
    with tempfile.TemporaryDirectory(prefix="cairn-slurm-") as folder:
        folder = pathlib.Path(folder)
        started = "srun --kill-on-bad-exit=0 --wait=60 the program --steps 5"
        requeued, submitted = "scontrol requeue 4711", f"sbatch {script} --steps 5"
        for statuses, wanted in (
            ({"srun": 0}, (0, [started])),
            ({"srun": 75}, (0, [started, requeued])),
            ({"srun": 75, "scontrol": 1}, (0, [started, requeued, submitted])),
            ({"srun": 75, "scontrol": 1, "sbatch": 3}, (3, [started, requeued, submitted])),
            *(({"srun": status}, (status, [started])) for status in (1, 74, 76, 137, 143)),
        ):
            found = run(script, folder, "--steps", "5", **statuses)
            expect(found == wanted, f"where {statuses}:", f"wanted {wanted}", f"found  {found}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="cairn-script-") as folder:
        script = sys.argv[1]
        if script.endswith(".md"):
            (block,) = blocks_of(script, "bash")
            script = os.path.join(folder, "job.slurm")
            pathlib.Path(script).write_text(block.code)
        check(script)


if __name__ == "__main__":
    main()
