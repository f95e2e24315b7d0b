#!/usr/bin/env python3
"""Runs `cairn show` and `cairn verify` on a checkpoint that examples/heat2d made, whole and damaged.

usage: checkpoint_test.py CAIRN HEAT2D MPIRUN EXAMPLES_DIRECTORY
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import h5py

if len(sys.argv) != 5:
    sys.exit(__doc__)
CAIRN, HEAT2D = (os.path.abspath(path) for path in sys.argv[1:3])
MPIRUN = sys.argv[3]
sys.path.insert(0, sys.argv[4])
del sys.argv[1:]
import resume_test  # noqa: E402: of the examples


class Command(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="cairn-command-")
        cls.work = pathlib.Path(cls.folder.name)
        cls.whole = cls.work / "whole"
        options = ["--nx", 37, "--ny", 29, "--steps", 3, "--path", cls.whole]
        resume_test.Runner(HEAT2D, MPIRUN)(3, *options)
        # A singleton is a rank too: it must not be refused as root, nor look for a network.
        cls.environment = resume_test.Runner(CAIRN, MPIRUN).env

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def cairn(self, *arguments):
        return subprocess.run([CAIRN, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                              env=self.environment)

    def copy(self, name):
        return pathlib.Path(shutil.copytree(self.whole, self.work / name))

    def test_show_names_leaves_types_shapes_kinds_and_metadata(self):
        result = self.cairn("show", self.whole)
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertRegex(result.stdout, r"on 3 ranks by Cairn \d+\.\d+\.\d+, format 1\n")
        self.assertRegex(result.stdout, r"\n  T +f64 +\[37, 29\] +sharded +8\.38 KiB\n")
        self.assertRegex(result.stdout, r"\n  step +i64 +\w+ +8 B\n")
        self.assertIn('"nx": 37', result.stdout)

    def test_show_as_json(self):
        shown = json.loads(self.cairn("show", "--json", self.whole).stdout)
        self.assertEqual(3, shown["world_size"])
        self.assertEqual({"nx": 37, "ny": 29}, shown["custom_metadata"])
        self.assertEqual({"kind": "sharded", "dtype": "f64", "shape": [37, 29], "bytes": 37 * 29 * 8},
                         shown["checkpointables"]["state"]["leaves"]["T"])

    def test_verify_of_a_sound_checkpoint_is_0_alone_and_on_ranks(self):
        result = self.cairn("verify", self.whole)
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        self.assertRegex(result.stdout, r", sound\n$")
        self.assertNotIn("\r", result.stdout + result.stderr)
        on_ranks = resume_test.Runner(CAIRN, MPIRUN)
        self.assertEqual(1, on_ranks(2, "verify", self.whole).count("sound"))
        progress = on_ranks(2, "verify", "--progress", self.whole)
        self.assertEqual(1, len(re.findall(r"^verifying .* on 2 ranks: 100 %, [\d.]+ \w+/s$", progress, re.MULTILINE)), progress)

    def test_verify_of_a_changed_value_is_1_and_names_the_array(self):
        damaged = self.copy("damaged")
        file = damaged / "state.h5"
        with h5py.File(file) as opened:
            values = opened["T"][...].reshape(-1)
        data = file.read_bytes()
        value = next(one.tobytes() for one in values if data.count(one.tobytes()) == 1)
        at = data.index(value)
        file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        result = self.cairn("verify", damaged)
        self.assertEqual(1, result.returncode, result.stderr)
        self.assertIn("damaged", result.stdout)
        self.assertRegex(result.stdout, r"\bT\b")

    def test_verify_finds_a_change_of_any_kilobyte(self):
        whole = (self.whole / "state.h5").read_bytes()
        damaged = self.copy("anywhere")
        for at in range(0, len(whole), max(1, len(whole) // 12)):
            with self.subTest(at=at):
                data = bytearray(whole)
                data[at] ^= 0x01
                (damaged / "state.h5").write_bytes(data)
                self.assertEqual(1, self.cairn("verify", damaged).returncode)

    def test_verify_of_a_file_cut_short_is_1(self):
        damaged = self.copy("short")
        data = (damaged / "state.h5").read_bytes()
        (damaged / "state.h5").write_bytes(data[: len(data) // 2])
        self.assertEqual(1, self.cairn("verify", damaged).returncode)

    def test_verify_of_a_changed_manifest_is_1(self):
        damaged = self.copy("manifest")
        text = (damaged / "checkpoint.json").read_text()
        (damaged / "checkpoint.json").write_text(text.replace('"nx": 37', '"nx": 38').replace('"nx":37', '"nx":38'))
        self.assertEqual(1, self.cairn("verify", damaged).returncode)
        self.assertEqual(1, self.cairn("show", damaged).returncode)

    def test_verify_of_what_is_no_checkpoint_is_2(self):
        for path in (self.work, self.work / "none"):
            with self.subTest(path=path):
                result = self.cairn("verify", path)
                self.assertEqual(2, result.returncode, result.stdout)
                self.assertIn(str(path), result.stderr)


if __name__ == "__main__":
    unittest.main()
