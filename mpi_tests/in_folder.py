#!/usr/bin/env python3
"""Runs a program in a new folder, which is removed: in_folder.py RANKS PROGRAM [ARGUMENT...] -- MPIRUN..."""

import subprocess
import sys
import tempfile


def main():
    split = sys.argv.index("--")
    ranks, program, *arguments = sys.argv[1:split]
    with tempfile.TemporaryDirectory(prefix="cairn-test-") as folder:
        command = [*sys.argv[split + 1:], "-n", ranks, program, *arguments, folder]
        sys.exit(subprocess.run(command, timeout=100).returncode)


if __name__ == "__main__":
    main()
