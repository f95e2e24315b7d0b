"""Compiles snippets, for the tests of the public headers."""

import argparse
import concurrent.futures
import os
import pathlib
import shlex
import subprocess

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--include", type=pathlib.Path, required=True, help="the folder that holds cairn/")
    parser.add_argument("--flags", default="", help="what the headers' dependencies need")
    parser.add_argument("compilers", nargs="+")
    arguments = parser.parse_args()
    # The warnings are about Cairn's headers, not about those of its dependencies.
    flags = [flag.replace("-I", "-isystem", 1) if flag.startswith("-I") else flag for flag in shlex.split(arguments.flags)]
    arguments.flags = ["-I", str(arguments.include), *flags]
    return arguments


def run(command, text=None):
    """The errors of a compiler, or None where it succeeds."""
    result = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    return None if result.returncode == 0 else result.stderr


def compile_text(command, text):
    """The errors of a compilation of `text` that makes nothing, or None where it succeeds."""
    return run([*command, "-fsyntax-only", "-x", "c++", "-"], text)


def in_parallel(function, jobs):
    with concurrent.futures.ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        return list(pool.map(lambda job: function(*job), jobs))
