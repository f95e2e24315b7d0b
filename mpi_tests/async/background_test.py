#!/usr/bin/env python3
"""usage: background_test.py GUARD PROGRAM RANKS -- MPIRUN...

Runs a program that saves in the background while its main thread uses MPI and HDF5, under a guard that ends it where any
other thread calls one of them.
"""

import re
import subprocess
import sys
import tempfile

guard, program, ranks, _, *mpirun = sys.argv[1:]
with tempfile.TemporaryDirectory(prefix="cairn-background-") as folder:
    result = subprocess.run([*mpirun, "-x", f"LD_PRELOAD={guard}", "-n", ranks, program, folder], capture_output=True,
                            text=True, timeout=60)
calls = re.search(r"calls (\d+)", result.stdout)
if result.returncode != 0 or not calls:
    sys.exit(f"{result.returncode}\n{result.stdout}{result.stderr}")
print(result.stdout)
if int(calls[1]) < 1000:
    sys.exit("the guard saw too few calls: it does not guard")
