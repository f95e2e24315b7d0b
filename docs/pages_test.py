#!/usr/bin/env python3
"""The pages hold what they should: the guide its chapters in order, and an entry for each error; every block of code in a
language that is compiled is one that the tests compile; every link leads somewhere.

usage: pages_test.py CODE...     what the tests compile: FILE.md:SUFFIX:PART, files being relative to examples/
"""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples"))

from markdown_code import LANGUAGES, blocks_of

TESTED = {((ROOT / "examples" / path).resolve(), suffix, part)
          for path, suffix, part in (code.rsplit(":", 2) for code in sys.argv[1:])}
del sys.argv[1:]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
GUIDE = ROOT / "docs" / "guide.md"
# In the order in which a user needs them.
CHAPTERS = ["The first save", "On another number of ranks", "Halos, and more than one box", "In the background", "GPUs",
            "The training loop", "Several things in one checkpoint", "Fortran", "C", "Slurm", "Options", "What is guaranteed",
            "Troubleshooting"]
OTHER_LANGUAGES = {"", "sh", "bash", "cmake", "json", "python"}


def read(path):
    return path.read_text(encoding="utf-8")


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def chapters_of(text):
    return dict(part.split("\n", 1) for part in re.split(r"^## ", without_code(text), flags=re.MULTILINE)[1:])


def anchors_of(page):
    """As GitHub makes them of the headings."""
    headings = re.findall(r"^#+ (.*)$", without_code(read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Guide(unittest.TestCase):
    def test_chapters_are_in_the_order_in_which_a_user_needs_them(self):
        self.assertEqual(CHAPTERS, list(chapters_of(read(GUIDE))))

    def test_each_error_has_an_entry_that_says_what_to_do(self):
        body = re.search(r"enum class ErrorCode[^{]*\{(.*?)\};", read(ROOT / "include" / "cairn" / "error.hpp"), re.DOTALL)[1]
        codes = re.findall(r"^\s*(\w+) = \d+", body, re.MULTILINE)
        self.assertGreater(len(codes), 10)
        rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", chapters_of(read(GUIDE))["Troubleshooting"], re.MULTILINE)
        self.assertEqual(codes, [code for code, *_ in rows])
        for code, *cells in rows:
            self.assertTrue(all(cell.strip() for cell in cells), code)


class Code(unittest.TestCase):
    def test_every_block_is_compiled_by_a_test(self):
        found = {(page, suffix, "program" if block.is_program else "blocks") for page in PAGES
                 for suffix, language in LANGUAGES.items() for block in blocks_of(page, language.name)}
        self.assertEqual(found, TESTED)

    def test_every_block_says_its_language(self):
        known = OTHER_LANGUAGES | {language.name for language in LANGUAGES.values()}
        for page in PAGES:
            fences = re.findall(r"^ *(?:```|~~~)(.*)$", read(page), re.MULTILINE)
            self.assertEqual(0, len(fences) % 2, page)
            for begin, end in zip(fences[::2], fences[1::2]):
                self.assertIn(begin, known, page)
                self.assertEqual("", end, page)


class Links(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        count = 0
        for page in PAGES:
            for target in re.findall(r"\]\(([^)\s]+)\)", without_code(read(page))):
                if re.match(r"\w+:", target):
                    continue
                count += 1
                path, _, anchor = target.partition("#")
                to = (page.parent / path).resolve() if path else page
                self.assertTrue(to.exists(), f"{page}: {target}")
                if anchor:
                    self.assertIn(anchor, anchors_of(to), f"{page}: {target}")
        self.assertGreater(count, 10)


if __name__ == "__main__":
    unittest.main()
