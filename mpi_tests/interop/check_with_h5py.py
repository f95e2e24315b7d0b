#!/usr/bin/env python3
"""Reads a checkpoint with h5py and h5dump as they are: check_with_h5py.py WRITER_PROGRAM RANKS -- MPIRUN...; 77 without h5py."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy
except ImportError:
    print("h5py is not installed: not tested")
    sys.exit(77)


def main():
    program, ranks = sys.argv[1], int(sys.argv[2])
    mpirun = sys.argv[sys.argv.index("--") + 1:]
    with tempfile.TemporaryDirectory(prefix="cairn-interop-") as folder:
        path = os.path.join(folder, "checkpoint")
        subprocess.run([*mpirun, "-n", str(ranks), program, path], check=True, timeout=60)
        with h5py.File(os.path.join(path, "state.h5"), "r") as file:
            rows = file["field/rows"][()]
            assert rows.dtype == numpy.float64 and rows.shape == (4 * ranks, 10)
            assert (rows == numpy.arange(40 * ranks).reshape(4 * ranks, 10)).all()
            grid = file["/field/grid"]
            total = 100 * ranks * (ranks + 1) // 2
            for name, width in (("grid", 512 * ranks), ("uneven", total)):
                values = file["field"][name][()]
                expected = numpy.arange(1024)[:, None] * 10000 + numpy.arange(width)[None, :]
                assert values.dtype == numpy.int32 and (values == expected).all(), name
            if ranks > 1:
                assert grid.chunks == (1024, 512) and file["field/uneven"].is_virtual
            particles = file["particles"][()]
            assert (particles[:, 0] == numpy.repeat(numpy.arange(ranks), numpy.arange(ranks))).all()
            assert (file["own"][()] == [[rank, 7] for rank in range(ranks)]).all()
            assert (file["waves"][()] == [1 + 2j, 3 - 4j]).all()
            flags = file["flags"][()]
            assert flags.dtype == bool and list(flags) == [True, False, True]
            assert file["step"][()] == 42 and file["step"].shape == ()
            assert file["note"][()].decode() == "gr\u00fc\u00df dich"
        with open(os.path.join(path, "checkpoint.json")) as text:
            assert json.load(text)["custom_metadata"] == {"lr": 1e-3}
        if shutil.which("h5dump"):
            dump = subprocess.run(["h5dump", "-d", "/own", os.path.join(path, "state.h5")], check=True, text=True,
                                  capture_output=True, timeout=60).stdout
            assert f"({ranks - 1},0): {ranks - 1}, 7" in dump, dump
            subprocess.run(["h5dump", "-H", os.path.join(path, "state.h5")], check=True, capture_output=True, timeout=60)
    print("h5py and h5dump read what was saved")


if __name__ == "__main__":
    main()
