#!/usr/bin/env python3
"""Two programs that do the same in two languages go on from each other's checkpoints, and h5dump tells whose it is:
twins_test.py CPP FORTRAN MPIRUN"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

from resume_test import Runner, expect, only

PLATE = ["--nx", 37, "--ny", 29, "--every", 10]


def order_of(file, dataset):
    """The attribute `cairn_order`, as h5dump shows it; None where there is none."""
    shown = subprocess.run(["h5dump", "-A", "-d", dataset, file], check=True, text=True, capture_output=True, timeout=60).stdout
    return only(r'ATTRIBUTE "cairn_order"[^"]*"(\w+)"', " ".join(shown.split())) if "cairn_order" in shown else None


def main():
    *programs, mpirun = sys.argv[1:]
    runs = [Runner(program, mpirun) for program in programs]
    with tempfile.TemporaryDirectory(prefix="cairn-twins-") as work:
        ends = []
        for number, (first, second) in enumerate((runs, runs[::-1])):
            path = pathlib.Path(work) / str(number)
            first(4, *PLATE, "--steps", 30, "--path", path)
            if shutil.which("h5dump"):
                order = order_of(path / "state.h5", "/T")
                expect(order == (None, "fortran")[number], "the order is another", str(order))
            output = second(3, *PLATE, "--steps", 60, "--path", path)
            expect(only(r"^heat2d: resumed from step (\d+)$", output) == "30", "resumed from elsewhere", output)
            ends.append(only(r"^heat2d: step 60, checksum [0-9a-f]{16}$", output))
        expect(ends[0] == ends[1], "the results differ", *ends)


if __name__ == "__main__":
    main()
