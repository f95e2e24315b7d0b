"""Misuses of the public headers do not compile, and what was meant instead does."""

import pathlib
import re
import sys
import tempfile

import compilers
from misuses import MISUSES, PRELUDE


def precompile(compiler, flags, folder):
    """The command that compiles a snippet after the prelude, which is compiled once."""
    header = folder / "prelude.hpp"
    header.write_text(PRELUDE)
    command = [compiler, "-std=c++17", *compilers.WARNINGS, "-Wno-unused-variable", "-Wno-unused-but-set-variable", *flags]
    made = folder / "prelude.hpp.gch"  # clang looks for this name as well
    errors = compilers.run([*command, "-x", "c++-header", str(header), "-o", str(made)])
    if errors is not None:
        sys.exit(f"the prelude does not compile by {compiler}:\n{errors}")
    return [*command, "-include", str(header)]


def function(number, statements):
    return (f"void function{number}() {{\n  Things things;\n  auto& [comm, vec, w, tree, state, x] = things;\n"
            f"  {statements}\n}}\n")


def errors_by_misuse(errors):
    """What a compiler said of each misuse, by number: its errors, each with what led to it and the notes below it."""
    groups = [""]
    led = False  # the last group has only lines that lead to an error yet
    for line in errors.splitlines(keepends=True):
        leads = re.search(r": In |In file included from|^ +from |required (from|by)|^ .* from here", line) is not None
        if (leads and not led) or (": error: " in line and not led):
            groups.append("")
        led = leads
        groups[-1] += line
    found = {}
    for group in groups:
        if ": error: " in group:
            for number in set(re.findall(r"misuse-(\d+):", group)):
                found[int(number)] = found.get(int(number), "") + group
    return found


def unseen_misuses(command):
    """Compiles all misuses at once: those of which it does not say what it must, which are looked at one by one then."""
    text = "".join(f'#line 1 "misuse-{number}"\n{function(number, misuse.bad)}' for number, misuse in enumerate(MISUSES))
    found = errors_by_misuse(compilers.compile_text(command, text) or "")
    return [misuse for number, misuse in enumerate(MISUSES) if number not in found or misuse.says not in found[number]]


def check_misuse(compiler, command, misuse):
    errors = compilers.compile_text(command, function(0, misuse.bad))
    if errors is None:
        return f"compiles by {compiler}, and must not: {misuse.bad}"
    if misuse.says not in errors:
        return f"by {compiler} its error does not say `{misuse.says}`: {misuse.bad}\n{errors}"
    return None


def check_twins(compiler, command):
    """All that was meant, in one compilation: nothing but the misuse itself keeps a misuse from compiling."""
    text = "".join(function(number, misuse.good) for number, misuse in enumerate(MISUSES))
    errors = compilers.compile_text(command, text)
    return errors and f"what was meant does not compile by {compiler}, and must:\n{errors}"


def main():
    arguments = compilers.parse_arguments()
    failures = []
    for compiler in arguments.compilers:
        with tempfile.TemporaryDirectory() as folder:
            command = precompile(compiler, arguments.flags, pathlib.Path(folder))
            unseen = unseen_misuses([*command, "-ferror-limit=0"] if "clang" in compiler else command)
            print(f"{compiler}: {len(unseen)} of {len(MISUSES)} misuses are compiled one by one")
            results = compilers.in_parallel(check_misuse, [(compiler, command, misuse) for misuse in unseen])
            failures += [failure for failure in [*results, check_twins(compiler, command)] if failure]
    print(f"{len(MISUSES)} misuses, {len(arguments.compilers)} compilers, {len(failures)} failures")
    sys.exit("\n".join(failures) if failures else 0)


if __name__ == "__main__":
    main()
