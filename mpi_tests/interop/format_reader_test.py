#!/usr/bin/env python3
"""The reader that docs/format.md shows, on a real checkpoint: format_reader_test.py FORMAT.md PROGRAM RANKS -- MPIRUN...

77 without h5py or xxhash."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py  # noqa: F401: the reader's
    import numpy
    import xxhash  # noqa: F401: the reader's
except ImportError as missing:
    print(f"{missing}: not tested")
    sys.exit(77)


def reader_of(document):
    with open(document, encoding="utf-8") as file:
        blocks = re.findall(r"^```python\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"{document} shows {len(blocks)} Python programs"
    names = {}
    exec(compile(blocks[0], document, "exec"), names)
    return names["read"]


def check_values(things, ranks):
    state = things["state"]
    assert set(state) == {"field", "deep/columns", "deep/uneven", "ragged", "table", "own", "number", "note"}
    assert state["note"] == b"seven"
    for name, values in state.items():
        assert name == "note" or (numpy.asarray(values) == 7).all(), name
    assert state["deep/columns"].shape == (600, 512 * ranks) and state["ragged"].shape == (ranks * (ranks + 1) // 2,)
    states = json.loads(things["loader"]["loader.json"])
    assert states == {"scope": "per_rank", "states": [{"position": 10 * rank} for rank in range(ranks)]}
    assert json.loads(things["config"]["config.json"]) == {"lr": 0.5}


def check_damage(read, path, name, at):
    """A changed byte is found, and the checkpoint is well without it."""
    with open(os.path.join(path, name), "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))
        file.flush()
        try:
            read(path)
        except (ValueError, OSError):
            pass
        else:
            sys.exit(f"byte {at} of {name} was changed, and the reader did not notice")
        file.seek(at)
        file.write(byte)
    read(path)


def main():
    document, program, ranks = sys.argv[1], sys.argv[2], int(sys.argv[3])
    mpirun = sys.argv[sys.argv.index("--") + 1:]
    read = reader_of(document)
    with tempfile.TemporaryDirectory(prefix="cairn-reader-") as folder:
        path = os.path.join(folder, "checkpoint")
        subprocess.run([*mpirun, "-n", str(ranks), program, path], check=True, timeout=60)
        check_values(read(path), ranks)
        with open(os.path.join(path, "state.h5"), "rb") as file:
            data = file.read().find(numpy.full(100, 7, numpy.float32).tobytes())
        for name, at in (("checkpoint.json", 100), ("config.json", 3), ("state.h5", 10), ("state.h5", data + 40)):
            check_damage(read, path, name, at)
        # Committed, and not yet under its name.
        with open(os.path.join(path, "commit")) as token:
            hidden = os.path.join(folder, f".checkpoint.{token.read().strip()}")
        os.rename(path, hidden)
        check_values(read(path), ranks)
        shutil.rmtree(hidden)
        try:
            read(path)
        except FileNotFoundError:
            return
        sys.exit("a checkpoint was read that is not there")


if __name__ == "__main__":
    main()
