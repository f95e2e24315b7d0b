#!/usr/bin/env python3
"""Runs `cairn` on what is no checkpoint and with wrong usage; what it says of checkpoints is tested under mpirun.

usage: command_test.py CAIRN FAKE_VERSIONS
"""

import json
import os
import tempfile
import unittest

from running import run, take_paths

CAIRN, FAKE_VERSIONS = take_paths(__doc__)


def cairn(*arguments, **environment):
    return run(CAIRN, *arguments, environment=environment)


class Usage(unittest.TestCase):
    def test_help_names_the_subcommands(self):
        result = cairn("--help")
        self.assertEqual(0, result.returncode)
        for name in ("ls", "show", "cat", "verify", "diff", "pin", "unpin", "rm", "gc", "env"):
            self.assertIn(name, result.stdout)

    def test_version(self):
        result = cairn("--version")
        self.assertEqual(0, result.returncode)
        self.assertRegex(result.stdout, r"^\d+\.\d+\.\d+\n$")

    def test_wrong_usage_is_2(self):
        for arguments in ((), ("show",), ("verify",), ("nonsense",), ("show", "a", "b"), ("env", "--nonsense")):
            with self.subTest(arguments=arguments):
                result = cairn(*arguments)
                self.assertEqual(2, result.returncode)
                self.assertNotEqual("", result.stderr)

    def test_misspelt_commands_and_options_are_2_with_the_nearest_and_the_usage(self):
        for arguments, words in ((("vrify", "x"), ("`vrify`", "`verify`", "Usage: cairn")),
                                 (("ls", "x", "--jsn"), ("`--jsn`", "`--json`", "Usage: cairn ls")),
                                 (("diff", "a", "b", "--rtoll=1"), ("`--rtoll`", "`--rtol`", "Usage: cairn diff")),
                                 (("--verion",), ("`--verion`", "`--version`")),
                                 (("rm", "x", "-yes"), ("`-yes`", "`--yes`")),
                                 (("cat", "x", "y", "--slise", "3"), ("`--slise`", "`--slice`", "Usage: cairn cat")),
                                 (("verify", "--progres"), ("`--progres`", "`--progress`")),
                                 (("cat", "x", "--format", "raw", "--json"), ("--format", "--json")),
                                 (("cat", "x", "--format", "png"), ("png", "raw")),
                                 (("diff", "a", "b", "--atol", "-1"), ("--atol",)),
                                 ((), ("verify", "Usage: cairn"))):
            with self.subTest(arguments=arguments):
                result = cairn(*arguments)
                self.assertEqual((2, ""), (result.returncode, result.stdout))
                for word in words:
                    self.assertIn(word, result.stderr)

    def test_show_of_nothing_and_of_another_directory_is_2_and_says_why(self):
        with tempfile.TemporaryDirectory() as directory:
            for path, word in ((directory, "not_a_checkpoint"), (os.path.join(directory, "none"), "not_found")):
                with self.subTest(path=path):
                    result = cairn("show", path)
                    self.assertEqual(2, result.returncode, result.stderr)
                    self.assertEqual("", result.stdout)
                    self.assertIn(word, result.stderr)
                    self.assertIn(path, result.stderr)


class Env(unittest.TestCase):
    def test_prints_versions_and_every_option_with_its_variable(self):
        result = cairn("env")
        self.assertEqual(0, result.returncode, result.stderr)
        for word in ("MPI", "HDF5", "io.threads", "CAIRN_IO_THREADS", "CAIRN_RANKS_TIMEOUT_S"):
            self.assertIn(word, result.stdout)

    def test_says_what_the_environment_sets(self):
        line = next(line for line in cairn("env", CAIRN_IO_THREADS="3").stdout.splitlines() if "io.threads" in line)
        self.assertEqual(["io.threads", "3", "environment"], line.split()[:3])

    def test_as_json(self):
        told = json.loads(cairn("env", "--json", CAIRN_IO_THREADS="3").stdout)
        self.assertEqual({"cairn", "mpi", "hdf5", "options"}, set(told))
        self.assertEqual((True, True), (told["mpi"]["fits"], told["hdf5"]["fits"]))
        (threads,) = (each for each in told["options"] if each["option"] == "io.threads")
        self.assertEqual(("3", "environment"), (threads["value"], threads["from"]))

    def test_reports_another_mpi_and_hdf5_than_it_was_built_with(self):
        result = cairn("env", LD_PRELOAD=FAKE_VERSIONS)
        self.assertEqual(2, result.returncode)
        self.assertRegex(result.stderr, r"built with Open MPI [\d.]+, and finds MPICH 4\.0\.2 at run time")
        self.assertRegex(result.stderr, r"built with HDF5 [\d.]+, and finds HDF5 1\.99\.3 at run time")
        self.assertRegex(result.stdout, r"HDF5 +1\.99\.3 \(built with [\d.]+\)")

    def test_reports_values_that_cannot_be_read_and_misspelt_names(self):
        result = cairn("env", CAIRN_IO_THREADS="many", CAIRN_IO_THREAD="3")
        self.assertEqual(2, result.returncode)
        self.assertIn("CAIRN_IO_THREADS=many", result.stderr)
        self.assertIn("CAIRN_IO_THREAD is no option", result.stderr)


if __name__ == "__main__":
    unittest.main()
