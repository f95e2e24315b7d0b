#!/usr/bin/env python3
"""Makes a source of the code in a Markdown file.

usage: markdown_code.py program FILE.md OUTPUT        the one block of OUTPUT's language (.cpp, .c, .f90) that is a whole program
       markdown_code.py blocks FILE.md OUTPUT.cpp     all others: the body of a function each
       markdown_code.py modules FILE.md OUTPUT.f90    the blocks that are modules of Fortran

The output of `blocks` includes code_blocks.hpp, which says what they find there and runs them. A block below the
comment <!-- continues --> belongs to the function of the block before it.
"""

import pathlib
import re
import sys
from typing import NamedTuple


class Block(NamedTuple):
    line: int  # of its first line of code
    code: str
    continues: bool

    @property
    def is_program(self):
        return re.search(r"int main|^program ", self.code, re.MULTILINE) is not None


LANGUAGES = {".cpp": "cpp", ".c": "c", ".f90": "fortran"}


def blocks_of(path, language="cpp"):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    found = re.finditer(rf"^(<!-- continues -->\n+)?```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(text.count("\n", 0, match.start(2)) + 1, match[2], match[1] is not None) for match in found]


def program_of(path, language="cpp"):
    programs = [block.code for block in blocks_of(path, language) if block.is_program]
    if len(programs) != 1:
        sys.exit(f"{path} shows {len(programs)} whole programs in {language}; one was expected")
    return programs[0]


def modules_of(path):
    """The blocks that are modules of Fortran, one after another."""
    modules = [block.code for block in blocks_of(path, "fortran") if block.code.startswith("module ")]
    if not modules:
        sys.exit(f"{path} shows no modules")
    return "\n".join(modules)


def functions_of(path):
    """Consecutive blocks of code, as functions: (line of the first, text)."""
    functions = []
    for block in blocks_of(path):
        if block.is_program:
            continue
        text = f'#line {block.line} "{pathlib.Path(path).name}"\n{block.code}'
        if block.continues:
            functions[-1][1] += text
        else:
            functions.append([block.line, text])
    return functions


def blocks_source(path):
    functions = functions_of(path)
    source = '#include "code_blocks.hpp"\n'
    for line, text in functions:
        source += f"\nstruct Block{line} : BlockSetting {{\nvoid run() {{\n{text}}}\n}};\n"
    calls = ", ".join(f"{{{line}, run_block<Block{line}>}}" for line, _ in functions)
    return source + f"\nint main(int argc, char** argv) {{\n  return run_blocks(argc, argv, {{{calls}}});\n}}\n"


def check_blocks(run, path):
    """Runs what `blocks_source` made of the file: every block must have said that all went well."""
    output = run(2)
    passed = re.findall(r"^line (\d+): ok$", output, re.MULTILINE)
    wanted = [str(line) for line, _ in functions_of(path)]
    if passed != wanted or not wanted:
        sys.exit(f"the blocks at the lines {wanted} of {path} were expected\n{output}")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("program", "blocks", "modules"):
        sys.exit(__doc__)
    output = pathlib.Path(sys.argv[3])
    if sys.argv[1] == "program":
        text = program_of(sys.argv[2], LANGUAGES[output.suffix])
    elif sys.argv[1] == "modules":
        text = modules_of(sys.argv[2])
    else:
        text = blocks_source(sys.argv[2])
    output.write_text(text, encoding="utf-8")
