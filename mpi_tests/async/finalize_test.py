#!/usr/bin/env python3
"""usage: finalize_test.py PROGRAM RANKS -- MPIRUN...

Saves that are under way when the program calls MPI_Finalize are committed; one that fails then leaves nothing, and says so.
"""

import os
import subprocess
import sys
import tempfile

program, ranks, _, *mpirun = sys.argv[1:]


def run(*arguments):
    result = subprocess.run([*mpirun, "-n", ranks, program, *arguments], capture_output=True, text=True, timeout=60)
    if result.returncode != 0:
        sys.exit(f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stderr


with tempfile.TemporaryDirectory(prefix="cairn-finalize-") as folder:
    for name, rate in (("fast", []), ("slow", ["0.5"])):
        path = os.path.join(folder, name)
        errors = run("save", path, *rate)
        if "cairn:" in errors:
            sys.exit(f"a save that went well was reported:\n{errors}")
        run("check", path)
    before = sorted(os.listdir(folder))
    if before != ["fast", "fast-2", "slow", "slow-2"]:
        sys.exit(f"left behind: {before}")
    errors = run("fail", os.path.join(folder, "failed"), "5")  # slow: the disk fails before the end of the first
    if "cairn: save_async" not in errors or "no_space" not in errors:
        sys.exit(f"nobody was told:\n{errors}")
    if sorted(os.listdir(folder)) != before:
        sys.exit(f"left behind by a save that failed: {sorted(os.listdir(folder))}")
