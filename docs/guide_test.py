#!/usr/bin/env python3
"""Runs the code of guide.md: the whole program twice, where the second run finds what the first saved; every other
block once.

usage: guide_test.py PROGRAM BLOCKS MPIRUN
"""

import os
import pathlib
import sys
import tempfile

DOCS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "examples"))

from markdown_code import check_blocks
from resume_test import Runner, expect, only

if len(sys.argv) != 4:
    sys.exit(__doc__)
program, blocks = (Runner(os.path.abspath(path), sys.argv[3]) for path in sys.argv[1:3])
with tempfile.TemporaryDirectory(prefix="cairn-guide-") as work:
    os.chdir(work)
    for ranks, first in ((2, "0"), (3, "1000")):
        found = only(r"^from step (\d+) to (\d+)$", program(ranks))
        expect(found == (first, "1000"), f"on {ranks} ranks, it went from step {found[0]} to {found[1]}")
    check_blocks(blocks, DOCS / "guide.md")
