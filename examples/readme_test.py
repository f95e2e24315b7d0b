#!/usr/bin/env python3
"""Runs the README's program three times in one directory, on 2, 3 and 1 ranks: each run goes on where the last ended. Then
its other code blocks.

usage: readme_test.py PROGRAM BLOCKS MPIRUN
"""

import os
import pathlib
import re
import sys
import tempfile

from markdown_code import check_blocks
from resume_test import Runner, expect

if len(sys.argv) != 4:
    sys.exit(__doc__)
run, blocks = (Runner(os.path.abspath(path), sys.argv[3]) for path in sys.argv[1:3])
readme = pathlib.Path(__file__).resolve().parents[1] / "README.md"
with tempfile.TemporaryDirectory(prefix="cairn-readme-") as work:
    os.chdir(work)
    for ranks, step in ((2, 100), (3, 200), (1, 300)):
        output = run(ranks)
        expect(re.findall(r"^step (\d+)$", output, re.MULTILINE) == [str(step)], f"step {step} was expected", output)
    check_blocks(blocks, readme)
