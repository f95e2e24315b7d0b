#!/usr/bin/env python3
"""Runs the program that a document begins with three times in one directory, on 2, 3 and 1 ranks: each run goes on where the
last ended. Then the document's other code blocks.

usage: first_save_test.py MPIRUN FILE.md SUFFIX BLOCKS PROGRAM      SUFFIX: .cpp, .c or .f90
"""

import os
import re
import sys
import tempfile

from markdown_code import check_blocks
from resume_test import Runner, expect

if len(sys.argv) != 6:
    sys.exit(__doc__)
mpirun, document, suffix = sys.argv[1:4]
blocks, program = (Runner(os.path.abspath(path), mpirun) for path in sys.argv[4:])
document = os.path.abspath(document)
with tempfile.TemporaryDirectory(prefix="cairn-first-save-") as work:
    os.chdir(work)
    for ranks, step in ((2, 100), (3, 200), (1, 300)):
        output = program(ranks)
        expect(re.findall(r"^step (\d+)$", output, re.MULTILINE) == [str(step)], f"step {step} was expected", output)
    check_blocks(blocks, document, suffix)
