#!/usr/bin/env python3
"""Runs the program that a document begins with three times in one directory, on 2, 3 and 1 ranks: each run goes on where the
last ended.

usage: first_save_test.py PROGRAM MPIRUN
"""

import os
import re
import sys
import tempfile

from resume_test import Runner, expect

if len(sys.argv) != 3:
    sys.exit(__doc__)
run = Runner(os.path.abspath(sys.argv[1]), sys.argv[2])
with tempfile.TemporaryDirectory(prefix="cairn-first-save-") as work:
    os.chdir(work)
    for ranks, step in ((2, 100), (3, 200), (1, 300)):
        output = run(ranks)
        expect(re.findall(r"^step (\d+)$", output, re.MULTILINE) == [str(step)], f"step {step} was expected", output)
