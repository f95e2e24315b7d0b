#!/usr/bin/env python3
"""The man page and the completion know every command and every option of `cairn --help`, and no others.

usage: documents_test.py CAIRN MAN_PAGE COMPLETION
"""

import os
import re
import subprocess
import sys
import unittest

if len(sys.argv) != 4:
    sys.exit(__doc__)
CAIRN, MAN_PAGE, COMPLETION = (os.path.abspath(path) for path in sys.argv[1:])
del sys.argv[1:]


def help_of(*command):
    return subprocess.run([CAIRN, *command, "--help"], capture_output=True, text=True, check=True, timeout=30).stdout


def commands():
    return re.findall(r"^  (\w+) ", help_of().split("Subcommands:")[1], re.MULTILINE)


def options(*command):
    return set(re.findall(r"--[a-z-]+", "\n".join(re.findall(r"^  -\S+", help_of(*command), re.MULTILINE))))


def complete(*words):
    """What the completion offers for the last word."""
    script = 'source "$0"; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cairn; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script, COMPLETION, "cairn", *words], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


class ManPage(unittest.TestCase):
    def setUp(self):
        with open(MAN_PAGE, encoding="utf-8") as file:
            self.text = file.read().replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "")

    def synopsis(self, command):
        return re.search(rf"^cairn {command}\b.*$", self.text, re.MULTILINE).group(0)

    def test_each_command_is_there_with_its_options_and_no_others(self):
        self.assertGreater(len(commands()), 8)
        for command in commands():
            with self.subTest(command=command):
                self.assertEqual(options(command) - {"--help"}, set(re.findall(r"--[a-z-]+", self.synopsis(command))))

    def test_each_option_has_a_paragraph(self):
        paragraphs = self.text.split(".SH OPTIONS")[1].split(".SH EXIT STATUS")[0]
        for option in set().union(options(), *(options(command) for command in commands())):
            self.assertRegex(paragraphs, rf"(?m)^\.B.* {option}\b|^\.B.*\b{option}\b", option)

    def test_each_command_has_a_paragraph(self):
        paragraphs = self.text.split(".SH COMMANDS")[1].split(".SH OPTIONS")[0]
        for command in commands():
            self.assertRegex(paragraphs, rf"(?m)^\.BR? .*\b{command}\b", command)


class Completion(unittest.TestCase):
    def test_bash_can_read_it(self):
        subprocess.run(["bash", "-n", COMPLETION], check=True)

    def test_offers_each_command(self):
        self.assertEqual(set(commands()) | options(), complete(""))
        self.assertEqual({"verify"}, complete("ver"))

    def test_offers_each_option_of_each_command_and_no_others(self):
        for command in commands():
            with self.subTest(command=command):
                self.assertEqual(options(command), complete(command, "--"))

    def test_offers_the_formats(self):
        self.assertEqual({"text", "raw"}, complete("cat", "p", "--format", ""))


if __name__ == "__main__":
    unittest.main()
