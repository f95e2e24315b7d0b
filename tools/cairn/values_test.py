#!/usr/bin/env python3
"""Runs `cairn cat`, `diff`, `show` and `verify` on checkpoints of many dtypes and of a thing that is no tree.

usage: values_test.py CAIRN MAKE_CHECKPOINTS SLOW_READS
"""

import contextlib
import json
import os
import pathlib
import pty
import re
import shutil
import struct
import subprocess
import tempfile
import unittest

from running import ENVIRONMENT, run, take_paths

CAIRN, MAKE, SLOW_READS = take_paths(__doc__, 3)


def cairn(*arguments, **options):
    return run(CAIRN, *arguments, **options)


def read_to_end(terminal):
    """What was written to the other side, which is closed."""
    text = b""
    with contextlib.suppress(OSError):  # EIO is its end
        while piece := os.read(terminal.fileno(), 4096):
            text += piece
    return text.decode()


class Checkpoints(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="cairn-values-")
        cls.work = pathlib.Path(cls.folder.name)
        cls.a, cls.b = cls.make("a", 4), cls.make("b", 5)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def make(cls, name, value):
        subprocess.run([MAKE, "plain", cls.work / name, str(value)], check=True, env=ENVIRONMENT, timeout=60)
        return cls.work / name

    def printed(self, *arguments):
        result = cairn(*arguments)
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        return result.stdout

    def damaged(self, name):
        """A copy of a with a changed byte of fluid/T."""
        copy = pathlib.Path(shutil.copytree(self.a, self.work / name))
        data = (copy / "state.h5").read_bytes()
        row = struct.pack("<6d", *(0.5 * i for i in range(12, 18)))
        self.assertEqual(1, data.count(row))
        (copy / "state.h5").write_bytes(data.replace(row, row[:-1] + bytes([row[-1] ^ 1])))
        return copy


class Cat(Checkpoints):
    def cat(self, leaf, *options):
        return self.printed("cat", self.a, leaf, *options)

    def test_scalars_strings_and_every_kind_of_number(self):
        for leaf, text in (("step", "7\n"), ("note", "two words\n"), ("flag", "true\n"), ("x", "0.1\n-2.5\n1e+30\n"),
                           ("ids", "-1\n9007199254740993\n3\n"), ("c", "1+2j\n3-4j\n")):
            with self.subTest(leaf=leaf):
                self.assertEqual(text, self.cat(leaf))

    def test_rows_are_lines(self):
        lines = self.cat("fluid/T").splitlines()
        self.assertEqual(4, len(lines))
        self.assertEqual("0 0.5 1 1.5 nan 2.5", lines[0])
        self.assertEqual("3 3.5 4 4.5 5 5.5", lines[1])

    def test_slices_are_those_of_python(self):
        rows = [[0.5 * (6 * i + j) for j in range(6)] for i in range(4)]
        for text, part in (("2", rows[2]), ("1:3, 5", [rows[1][5], rows[2][5]]), ("-1, ::-2", rows[3][::-2]),
                           ("3, -2:", rows[3][-2:]), ("..., 0", [row[0] for row in rows]), ("2, 1:100", rows[2][1:]),
                           ("2, 3", [rows[2][3]]), ("2:2", []), ("::-1, 1", [row[1] for row in rows[::-1]])):
            with self.subTest(slice=text):
                self.assertEqual(part, [float(word) for word in self.cat("fluid/T", "--slice=" + text).split()])
        self.assertEqual("6 7\n9 10\n", self.cat("fluid/T", "--slice", "2:4, 0:4:2"))

    def test_wrong_slices_are_2_and_say_which_part(self):
        for text, word in (("4", "4"), ("1,2,3", "3 parts"), ("::0", "step"), ("a:b", "a:b"), ("1:2:3:4", "1:2:3:4"), ("1,", "empty")):
            with self.subTest(slice=text):
                result = cairn("cat", self.a, "fluid/T", "--slice", text)
                self.assertEqual((2, ""), (result.returncode, result.stdout))
                self.assertIn(word, result.stderr)

    def test_raw_is_the_stored_bytes(self):
        result = cairn("cat", self.a, "fluid/T", "--slice", "3, ::2", "--format", "raw", text=False)
        self.assertEqual(struct.pack("<3d", 9, 10, 11), result.stdout)
        self.assertEqual(b"two words", cairn("cat", self.a, "note", "--format", "raw", text=False).stdout)

    def json(self, leaf, *options):
        found = json.loads(self.cat(leaf, "--json", *options))
        self.assertEqual((str(self.a), "state", leaf), tuple(found.pop(key) for key in ("path", "checkpointable", "name")))
        return found

    def test_as_json(self):
        for leaf, dtype, values in (("step", "i32", 7), ("note", "string", "two words"), ("flag", "bool", True),
                                    ("x", "f32", [0.1, -2.5, 1e30]), ("ids", "i64", [-1, 9007199254740993, 3]),
                                    ("c", "c128", [[1, 2], [3, -4]])):
            with self.subTest(leaf=leaf):
                shape = [len(values)] if isinstance(values, list) else []
                self.assertEqual({"dtype": dtype, "shape": shape, "values": values}, self.json(leaf))
        rows = [[0.5 * (6 * i + j) for j in range(6)] for i in range(4)]
        rows[0][4], rows[1][2] = "nan", 4
        self.assertEqual({"dtype": "f64", "shape": [4, 6], "values": rows}, self.json("fluid/T"))

    def test_slices_as_json(self):
        for text, shape, values in (("2, 3", [], 7.5), ("2:, 1", [2], [6.5, 9.5]), ("1:3, :2", [2, 2], [[3, 3.5], [6, 6.5]]),
                                    ("2:2", [0, 6], []), ("1:, 2:2", [3, 0], [[], [], []])):
            with self.subTest(slice=text):
                self.assertEqual({"dtype": "f64", "shape": shape, "values": values}, self.json("fluid/T", "--slice", text))
        for text, value in (("-inf", "-inf"), ("inf", "inf")):
            found = json.loads(self.printed("cat", self.make(text, text), "fluid/T", "--slice", "1, 2", "--json"))
            self.assertEqual(value, found["values"])

    def test_a_file_as_json(self):
        found = json.loads(self.printed("cat", self.a, "--checkpointable", "config", "--json"))
        self.assertEqual({"path", "checkpointable", "name", "text"}, set(found))
        self.assertEqual(("config", {"lr": 0.5}), (found["checkpointable"], json.loads(found["text"])))

    def test_a_file_that_is_no_tree(self):
        (file,) = json.loads(self.printed("show", "--json", self.a))["checkpointables"]["config"]["files"]
        self.assertEqual({"lr": 0.5}, json.loads(self.printed("cat", self.a, "--checkpointable", "config")))
        self.assertEqual((self.a / file).read_text().rstrip(), self.printed("cat", self.a, file).rstrip())
        self.assertEqual(2, cairn("cat", self.a, file, "--slice", "0").returncode)

    def test_a_binary_file_is_printed_as_raw_alone(self):
        copy = pathlib.Path(shutil.copytree(self.a, self.work / "binary"))
        (file,) = json.loads(self.printed("show", "--json", copy))["checkpointables"]["config"]["files"]
        (copy / file).write_bytes(b"\0\xff")
        self.assertEqual(2, cairn("cat", copy, file).returncode)
        self.assertEqual(b"\0\xff", cairn("cat", copy, file, "--format", "raw", text=False).stdout)

    def test_misspelt_names_are_2_with_the_nearest(self):
        for arguments, word in ((("fluid/t",), "`fluid/T`"), (("stpe",), "`step`"), (("T",), "`fluid/T`"),
                                (("x", "--checkpointable", "stat"), "`state`"), ((), "fluid/T")):
            with self.subTest(arguments=arguments):
                result = cairn("cat", self.a, *arguments)
                self.assertEqual((2, ""), (result.returncode, result.stdout))
                self.assertIn(word, result.stderr)

    def test_damaged_values_are_not_printed(self):
        damaged = self.damaged("damaged")
        for options in ((), ("--json",)):
            result = cairn("cat", damaged, "fluid/T", *options)
            self.assertEqual((1, ""), (result.returncode, result.stdout))
            self.assertIn("fluid/T", result.stderr)

    def test_output_that_cannot_be_written_is_2(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([CAIRN, "cat", self.a, "step"], stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
        self.assertEqual(2, result.returncode)


class Diff(Checkpoints):
    def diff(self, *arguments):
        result = cairn("diff", "--json", *arguments)
        self.assertEqual("", result.stderr)
        found = json.loads(result.stdout)
        self.assertEqual(0 if found["same"] else 1, result.returncode)
        self.assertEqual(found["same"], not found["differences"])
        return found["differences"]

    def test_the_same_is_0_with_its_nan(self):
        result = cairn("diff", self.a, self.make("again", 4))
        self.assertEqual((0, "the same\n", ""), (result.returncode, result.stdout, result.stderr))

    def test_says_how_many_by_how_much_and_where(self):
        (only,) = self.diff(self.a, self.b)
        self.assertEqual({"checkpointable": "state", "name": "fluid/T", "what": "values", "a": None, "b": None, "elements": 24,
                          "differing": 1, "max_abs": 1, "max_rel": 0.2, "first": [1, 2]}, only)
        result = cairn("diff", self.a, self.b)
        self.assertEqual(1, result.returncode)
        self.assertEqual("state/fluid/T: 1 of 24 elements differs, by at most 1 (relative 0.2), first at [1, 2]\n", result.stdout)

    def test_tolerances(self):
        for options, count in ((("--atol", "1"), 0), (("--atol", "0.9"), 1), (("--rtol", "0.2"), 0), (("--rtol", "0.19"), 1),
                               (("--atol", "0.5", "--rtol", "0.1"), 0)):
            with self.subTest(options=options):
                self.assertEqual(count, len(self.diff(self.a, self.b, *options)))

    def test_nan_against_a_number_differs_whatever_the_tolerance(self):
        (only,) = self.diff(self.a, self.make("nan", "nan"), "--atol", "1e300")
        self.assertEqual((1, "inf", [1, 2]), (only["differing"], only["max_abs"], only["first"]))

    def test_infinities(self):
        infinite = self.make("inf", "inf")
        self.assertEqual(1, len(self.diff(self.a, infinite, "--rtol", "1")))
        self.assertEqual(0, len(self.diff(infinite, self.make("inf2", "inf"))))
        self.assertEqual(1, len(self.diff(infinite, self.make("minus", "-inf"))))

    def test_structure_alone(self):
        self.assertEqual([], self.diff(self.a, self.b, "--structure"))

    def test_one_checkpointable_alone(self):
        self.assertEqual([], self.diff(self.a, self.b, "--checkpointable", "config"))
        result = cairn("diff", self.a, self.b, "--checkpointable", "confg")
        self.assertEqual(2, result.returncode)
        self.assertIn("`config`", result.stderr)

    def test_other_leaves_metadata_metrics_and_things(self):
        subprocess.run([MAKE, "steps", self.work / "root"], check=True, env=ENVIRONMENT, timeout=60)
        found = {(one["checkpointable"], one["name"], one["what"]): one for one in self.diff(self.a, self.work / "root" / "100")}
        for key in (("config", "", "presence"), ("state", "x", "presence"), ("state", "step", "dtype"), ("", "loss", "metric"),
                    ("", "bad", "metric")):
            self.assertIn(key, found)
        self.assertEqual((0.25, 0.01), (found["", "loss", "metric"]["a"], found["", "loss", "metric"]["b"]))
        self.assertIn("custom_metadata", {what for _, _, what in found})
        text = cairn("diff", self.a, self.work / "root" / "100").stdout
        self.assertIn("state/x: only in the first\n", text)
        self.assertIn("state/step: dtype i32 against i64\n", text)
        self.assertIn("metric loss: 0.25 against 0.01\n", text)

    def test_trouble_is_2(self):
        self.assertEqual(2, cairn("diff", self.a, self.work / "none").returncode)
        result = cairn("diff", self.a, self.damaged("damaged"))
        self.assertEqual(2, result.returncode)
        self.assertIn("fluid/T", result.stderr)


class ShowAndVerify(Checkpoints):
    def config_file(self, path):
        (file,) = json.loads(self.printed("show", "--json", self.a))["checkpointables"]["config"]["files"]
        return path / file

    def test_show_tells_of_arrays_in_fortran_order(self):
        lines = self.printed("show", self.a).splitlines()
        self.assertEqual(["T"], [line.split()[0] for line in lines if line.endswith("  Fortran order")])
        leaves = json.loads(self.printed("show", "--json", self.a))["checkpointables"]["state"]["leaves"]
        self.assertEqual({"fluid/T": "fortran"}, {path: leaf["order"] for path, leaf in leaves.items() if "order" in leaf})

    def test_show_names_the_files_of_what_is_no_tree(self):
        file = self.config_file(self.a)
        self.assertRegex(self.printed("show", self.a), rf"config: 1 file, \d+ B, handler \w+\n  {file.name}  +{file.stat().st_size} B\n")
        shown = json.loads(self.printed("show", "--json", self.a))
        self.assertEqual({file.name: file.stat().st_size}, shown["checkpointables"]["config"]["files"])
        self.assertEqual({"loss": 0.25, "bad": "nan"}, shown["metrics"])

    def test_verify_as_json(self):
        found = json.loads(self.printed("verify", "--json", self.a))
        self.assertEqual((True, [], 1), (found["sound"], found["problems"], found["ranks"]))
        result = cairn("verify", "--json", self.damaged("damaged"))
        self.assertEqual(1, result.returncode)
        found = json.loads(result.stdout)
        self.assertFalse(found["sound"])
        self.assertIn("fluid/T", found["problems"][0])

    def test_verify_finds_a_changed_file_of_what_is_no_tree(self):
        copy = pathlib.Path(shutil.copytree(self.a, self.work / "changed"))
        file = self.config_file(copy)
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        result = cairn("verify", copy)
        self.assertEqual(1, result.returncode)
        self.assertIn(file.name, result.stdout)

    def test_verify_tells_its_progress_when_asked(self):
        result = cairn("verify", "--progress", self.a)
        self.assertEqual(0, result.returncode)
        self.assertRegex(result.stderr, r"verifying .* on 1 rank: 100 %, [\d.]+ \w+/s\n$")
        self.assertEqual("", cairn("verify", self.a).stderr)

    def verify_slowly(self, *options, **streams):
        """Long enough for several lines of progress."""
        return cairn("verify", self.a, *options, environment={"LD_PRELOAD": SLOW_READS}, **streams)

    def test_verify_tells_its_progress_on_a_terminal(self):
        ours, theirs = pty.openpty()
        result = self.verify_slowly(stderr=theirs)
        os.close(theirs)
        self.assertEqual((0, f"{self.a}: "), (result.returncode, result.stdout[:len(str(self.a)) + 2]))
        with os.fdopen(ours, "rb") as terminal:
            lines = read_to_end(terminal).split("\r\033[K")
        self.assertEqual(("", ""), (lines[0], lines[-1]))  # each is written over the one before, and the last is wiped out
        lines = lines[1:-1]
        self.assertGreaterEqual(len(lines), 2)
        start = rf"verifying {re.escape(str(self.a))}: \d+ B on 1 rank: "
        for line in lines[:-1]:
            self.assertRegex(line, rf"^{start}\d+ %, [\d.]+ \w+/s, \d+ \w+ left$")
        self.assertRegex(lines[-1], rf"^{start}100 %, [\d.]+ \w+/s$")
        done = [int(re.search(r"(\d+) %", line)[1]) for line in lines]
        self.assertEqual(sorted(done), done)
        self.assertLess(done[0], 100)

    def test_verify_writes_no_control_characters_where_that_is_no_terminal(self):
        for options in ((), ("--progress",)):
            result = self.verify_slowly(*options)
            self.assertEqual(0, result.returncode)
            self.assertNotRegex(result.stdout + result.stderr, r"[\x00-\x09\x0b-\x1f\x7f]")
            self.assertEqual(bool(options), result.stderr != "")


if __name__ == "__main__":
    unittest.main()
