#!/usr/bin/env python3
"""Writes the C++ program that a Markdown file shows (its code block with a main) to a file.

usage: readme_example.py README.md OUTPUT.cpp
"""

import pathlib
import re
import sys

if len(sys.argv) != 3:
    sys.exit(__doc__)
text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
programs = [block for block in re.findall(r"^```cpp\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if "int main" in block]
if len(programs) != 1:
    sys.exit(f"{sys.argv[1]} shows {len(programs)} C++ programs with a main; one was expected")
pathlib.Path(sys.argv[2]).write_text(programs[0], encoding="utf-8")
