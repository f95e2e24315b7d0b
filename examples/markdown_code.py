#!/usr/bin/env python3
"""Makes a source of the code in a Markdown file.

usage: markdown_code.py program FILE.md OUTPUT    the one block of OUTPUT's language (.cpp, .c, .f90) that is a whole program
       markdown_code.py blocks FILE.md OUTPUT     all its others: the body of a function each, and modules of Fortran, which
                                                  all functions use

What the functions of `blocks` find, and what runs them, is in code_blocks.hpp, code_blocks.h and code_blocks.f90. A block
below the comment <!-- continues --> belongs to the function of the block before it.
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

    @property
    def module(self):
        """The name of the Fortran module that it is, if it is one."""
        match = re.match(r"module (\w+)$", self.code, re.MULTILINE)
        return match and match[1]


def cpp_source(functions, _modules):
    source = '#include "code_blocks.hpp"\n'
    for line, text in functions:
        source += f"\nstruct Block{line} : BlockSetting {{\nvoid run() {{\n{text}}}\n}};\n"
    calls = ", ".join(f"{{{line}, run_block<Block{line}>}}" for line, _ in functions)
    return source + f"\nint main(int argc, char** argv) {{\n  return run_blocks(argc, argv, {{{calls}}});\n}}\n"


def c_source(functions, _modules):
    source = '#include "code_blocks.h"\n'
    for line, text in functions:
        source += f"\nstatic void block_{line}(void) {{\n{text}}}\n"
    calls = "".join(f"  run_block({line}, block_{line});\n" for line, _ in functions)
    return source + f"\nint main(int argc, char** argv) {{\n  MPI_Init(&argc, &argv);\n{calls}  return MPI_Finalize();\n}}\n"


def fortran_source(functions, modules):
    used = "  use, intrinsic :: iso_fortran_env\n  use mpi\n  use cairn\n  use code_blocks\n"
    used += "".join(f"  use {module.module}\n" for module in modules) + "  implicit none\n"
    source = "".join(module.code + "\n" for module in modules)
    source += "".join(f"subroutine block_{line}()\n{used}{text}end subroutine\n\n" for line, text in functions)
    calls = "".join(f"  call run_block({line}, block_{line})\n" for line, _ in functions)
    names = ", ".join(f"block_{line}" for line, _ in functions)
    start = "  use mpi\n  use code_blocks, only: run_block\n  implicit none\n"
    return (f"{source}program blocks\n{start}  external :: {names}\n  integer :: error\n  call MPI_Init(error)\n{calls}"
            "  call MPI_Finalize(error)\nend program\n")


class Language(NamedTuple):
    name: str
    place: str  # what says to the compiler, or else to the reader, where the code is from
    source: object  # of [(line, body)] and modules: a program that runs them


LANGUAGES = {".cpp": Language("cpp", '#line {line} "{file}"\n', cpp_source),
             ".c": Language("c", '#line {line} "{file}"\n', c_source),
             ".f90": Language("fortran", "! line {line} of {file}\n", fortran_source)}


def blocks_of(path, language="cpp"):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    found = re.finditer(rf"^(<!-- continues -->\n+)?```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(text.count("\n", 0, match.start(2)) + 1, match[2], match[1] is not None) for match in found]


def program_of(path, language="cpp"):
    programs = [block.code for block in blocks_of(path, language) if block.is_program]
    if len(programs) != 1:
        sys.exit(f"{path} shows {len(programs)} whole programs in {language}; one was expected")
    return programs[0]


def functions_of(path, language):
    """Consecutive blocks of code that are no programs or modules, as functions: (line of the first, text)."""
    functions = []
    for block in blocks_of(path, language.name):
        if block.is_program or block.module:
            continue
        text = language.place.format(line=block.line, file=pathlib.Path(path).name) + block.code
        if block.continues:
            functions[-1][1] += text
        else:
            functions.append([block.line, text])
    return functions


def check_blocks(run, path, suffix=".cpp"):
    """Runs what `blocks` made of the file: every block must have said that all went well."""
    output = run(2)
    passed = re.findall(r"^line (\d+): ok$", output, re.MULTILINE)
    wanted = [str(line) for line, _ in functions_of(path, LANGUAGES[suffix])]
    if passed != wanted or not wanted:
        sys.exit(f"the blocks at the lines {wanted} of {path} were expected\n{output}")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("program", "blocks"):
        sys.exit(__doc__)
    output = pathlib.Path(sys.argv[3])
    language = LANGUAGES[output.suffix]
    if sys.argv[1] == "program":
        text = program_of(sys.argv[2], language.name)
    else:
        modules = [block for block in blocks_of(sys.argv[2], language.name) if block.module]
        text = language.source(functions_of(sys.argv[2], language), modules)
    output.write_text(text, encoding="utf-8")
