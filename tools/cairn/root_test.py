#!/usr/bin/env python3
"""Runs `cairn ls`, `gc`, `pin`, `unpin` and `rm` on roots with damaged, pinned, hidden and half-made steps.

usage: root_test.py CAIRN MAKE_CHECKPOINTS
"""

import contextlib
import json
import os
import pathlib
import pty
import shutil
import subprocess
import tempfile
import unittest

from running import ENVIRONMENT, run, take_paths

CAIRN, MAKE = take_paths(__doc__)


def cairn(*arguments, **options):
    return run(CAIRN, *arguments, **options)


@contextlib.contextmanager
def living(what, path):
    """A job that does something at the path; it is killed at the end."""
    job = subprocess.Popen([MAKE, what, str(path)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        assert job.stdout.readline() == "ready\n"
        yield job.pid
    finally:
        job.kill()
        job.wait()
        job.stdout.close()


class Roots(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="cairn-root-")
        cls.whole = pathlib.Path(cls.folder.name) / "whole"
        subprocess.run([MAKE, "steps", cls.whole], check=True, env=ENVIRONMENT, timeout=60)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.root = pathlib.Path(self.folder.name) / self.id().rsplit(".", 1)[1]
        shutil.copytree(self.whole, self.root)

    def tearDown(self):
        shutil.rmtree(self.root)

    def ls(self):
        result = cairn("ls", self.root, "--json")
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        return json.loads(result.stdout)

    def step(self, name):
        return {one["name"]: one for one in self.ls()["checkpoints"]}[name]

    def hide(self, name):
        """As if the job had died between the commit and the rename."""
        token = (self.root / name / "commit").read_text().strip()
        return (self.root / name).rename(self.root / f".{name}.{token}").name

    def gc(self, *options):
        result = cairn("gc", self.root, "--json", *options)
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        return {one["entry"]: one for one in json.loads(result.stdout)["leftovers"]}

    def test_ls_tells_steps_sizes_metrics_and_states(self):
        listed = self.ls()
        self.assertEqual({"root", "lock", "checkpoints", "leftovers"}, set(listed))
        self.assertEqual([100, 200, 300], [one["step"] for one in listed["checkpoints"]])
        first = listed["checkpoints"][0]
        self.assertEqual({"name", "step", "state", "in_place", "pinned", "set_aside", "bytes", "metrics", "created", "age_s",
                          "problem", "writer"}, set(first))
        files = sum(file.stat().st_size for file in (self.root / "100").iterdir())
        self.assertEqual(("100", "intact", True, False, files, {"loss": 0.01}),
                         tuple(first[key] for key in ("name", "state", "in_place", "pinned", "bytes", "metrics")))
        self.assertEqual([], listed["leftovers"])
        self.assertEqual("no", listed["lock"]["held"])

    def test_ls_as_text(self):
        result = cairn("ls", self.root)
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertRegex(result.stdout, r": 3 checkpoints, [\d.]+ KiB; not locked\n")
        self.assertRegex(result.stdout, r"\n200 +200 +\d{4}-\d\d-\d\d [\d:]+ UTC +\d+ (s|min) +[\d.]+ KiB +intact +loss=0.005\n")

    def test_ls_names_damage(self):
        file = self.root / "200" / "state.h5"
        file.write_bytes(file.read_bytes()[:-1])
        self.assertEqual("damaged", self.step("200")["state"])
        self.assertIn("bytes", self.step("200")["problem"])
        self.assertEqual("intact", self.step("300")["state"])
        (self.root / "100" / "commit").unlink()
        self.assertEqual("damaged", self.step("100")["state"])
        self.assertRegex(cairn("ls", self.root).stdout, r"\n100 .* damaged")

    def test_ls_of_a_step_set_aside(self):
        (self.root / "200").rename(self.root / "200.damaged")
        (self.root / "200.damaged" / "checkpoint.json").write_text("{")
        self.assertEqual((True, "damaged", None), tuple(self.step("200.damaged")[key] for key in ("set_aside", "state", "step")))

    def test_ls_of_other_names_and_strangers(self):
        (self.root / "200").rename(self.root / "run-0200")
        (self.root / "notes").mkdir()
        (self.root / "file").write_text("x")
        self.assertEqual({"100": 100, "run-0200": 200, "300": 300}, {one["name"]: one["step"] for one in self.ls()["checkpoints"]})

    def test_ls_of_a_committed_step_that_is_not_in_place(self):
        entry = self.hide("200")
        step = self.step("200")
        self.assertEqual(("intact", False), (step["state"], step["in_place"]))
        self.assertGreater(step["bytes"], 0)
        self.assertEqual((entry, "complete"), tuple(self.ls()["leftovers"][0][key] for key in ("entry", "action")))
        self.assertIn("committed but not yet in place", cairn("ls", self.root).stdout)

    def test_ls_names_who_writes_and_who_has_the_lock(self):
        with living("begin", self.root / "400") as pid:
            step = self.step("400")
            self.assertEqual("unfinished", step["state"])
            self.assertIn(f"process {pid} on", step["writer"])
            self.assertIn(f"unfinished, being written by process {pid} on", cairn("ls", self.root).stdout)
            self.assertTrue(self.ls()["leftovers"][0]["under_way"])
        with living("hold", self.root) as pid:
            lock = self.ls()["lock"]
            self.assertEqual("yes", lock["held"])
            self.assertIn(f"process {pid} on", lock["owner"])
            self.assertIn(f"locked by process {pid} on", cairn("ls", self.root).stdout)
        self.assertEqual("no", self.ls()["lock"]["held"])
        self.assertIn(f"process {pid}", self.ls()["lock"]["owner"])

    def test_ls_changes_nothing(self):
        self.hide("200")
        (self.root / ".100.0123456789abcdef0123456789abcdef.trash").mkdir()
        before = sorted(os.listdir(self.root))
        self.ls()
        self.gc()
        self.assertEqual(before, sorted(os.listdir(self.root)))

    def test_ls_of_one_checkpoint_is_show(self):
        result = cairn("ls", self.root / "100")
        self.assertEqual(0, result.returncode)
        self.assertEqual(cairn("show", self.root / "100").stdout, result.stdout)
        self.assertIn("cairn show", result.stderr)
        (self.root / "100" / "commit").unlink()
        self.assertEqual(1, cairn("ls", self.root / "100").returncode)

    def test_ls_and_gc_of_nothing_are_2(self):
        for command in ("ls", "gc"):
            result = cairn(command, self.root / "none")
            self.assertEqual((2, ""), (result.returncode, result.stdout))
            self.assertIn("none", result.stderr)

    def test_gc_removes_what_a_killed_job_left_and_not_what_lives(self):
        with living("begin", self.root / "400"):
            self.assertEqual(["leave"], [one["action"] for one in self.gc("--yes").values()])
            entry = next(iter(self.gc()))
        self.assertEqual("remove", self.gc()[entry]["action"])
        self.assertTrue((self.root / entry).exists())
        text = cairn("gc", self.root).stdout
        self.assertRegex(text, rf"to remove +{entry} +\d+ B +which was never committed")
        self.assertIn("--yes", text)
        self.assertEqual("remove", self.gc("--yes")[entry]["action"])
        self.assertFalse((self.root / entry).exists())
        self.assertEqual({}, self.gc())

    def test_gc_leaves_what_belongs_to_an_unknown_owner(self):
        with living("begin", self.root / "400"):
            pass
        entry = next(iter(self.gc()))
        owner = json.loads((self.root / entry / "owner").read_text())
        owner.update(host="elsewhere", boot_id="another")
        (self.root / entry / "owner").write_text(json.dumps(owner))
        self.assertEqual(("leave", False), tuple(self.gc("--yes")[entry][key] for key in ("action", "under_way")))
        self.assertTrue((self.root / entry).exists())
        self.assertIn("elsewhere", self.gc()[entry]["owner"])

    def test_gc_completes_what_was_committed_and_empties_trash(self):
        entry = self.hide("200")
        trash = self.root / ".100.0123456789abcdef0123456789abcdef.trash"
        trash.mkdir()
        (trash / "state.h5").write_bytes(bytes(1000))
        planned = self.gc()
        self.assertEqual(("complete", "remove", 1000), (planned[entry]["action"], planned[trash.name]["action"],
                                                        planned[trash.name]["bytes"]))
        done = cairn("gc", self.root, "--yes").stdout
        self.assertIn("1000 B freed", done)
        self.assertRegex(done, r"completed +\.200\.")
        self.assertTrue((self.root / "200").exists())
        self.assertFalse(trash.exists())
        self.assertEqual("intact", self.step("200")["state"])

    def test_gc_plans_what_it_does_where_something_is_in_the_way(self):
        entry = self.hide("200")
        (self.root / "200").mkdir()
        (self.root / "200" / "mine").write_text("x")
        self.assertEqual("leave", self.gc()[entry]["action"])
        self.assertEqual("leave", self.gc("--yes")[entry]["action"])
        self.assertTrue((self.root / entry).exists())

    def test_gc_removes_damaged_steps_only_when_asked(self):
        aside = self.root / "200.damaged-1"
        (self.root / "200").rename(aside)
        shutil.copytree(aside, self.root / "300.damaged")
        (self.root / "300.damaged" / "pinned").touch()
        (self.root / "notes.damaged").mkdir()
        self.assertEqual({}, self.gc("--yes"))
        self.assertEqual({"200.damaged-1": "remove", "300.damaged": "leave", "notes.damaged": "leave"},
                         {entry: one["action"] for entry, one in self.gc("--damaged").items()})
        self.assertTrue(aside.exists())
        self.gc("--damaged", "--yes")
        self.assertEqual([False, True, True], [(self.root / name).exists() for name in (aside.name, "300.damaged", "notes.damaged")])

    def test_gc_of_a_checkpoint_is_2(self):
        result = cairn("gc", self.root / "100")
        self.assertEqual(2, result.returncode)
        self.assertIn("is a checkpoint", result.stderr)

    def test_a_pinned_step_is_not_removed(self):
        self.assertEqual(0, cairn("pin", self.root / "200").returncode)
        self.assertTrue(self.step("200")["pinned"])
        result = cairn("rm", self.root / "200", "--yes")
        self.assertEqual(2, result.returncode)
        self.assertIn("pinned", result.stderr)
        self.assertEqual(0, cairn("unpin", self.root / "200").returncode)
        self.assertFalse(self.step("200")["pinned"])
        cairn("pin", self.root / "200")
        self.assertEqual(0, cairn("rm", self.root / "200", "--yes", "--force").returncode)
        self.assertFalse((self.root / "200").exists())

    def test_pin_of_what_is_no_checkpoint_is_2(self):
        for path in (self.root / "none", self.root):
            self.assertEqual(2, cairn("pin", path).returncode)

    def test_pin_unpin_and_rm_as_json(self):
        path = str(self.root / "200")
        for command, pinned in (("pin", True), ("pin", True), ("unpin", False)):
            result = cairn(command, path, "--json")
            self.assertEqual((0, {"path": path, "pinned": pinned}), (result.returncode, json.loads(result.stdout)))
            self.assertEqual(pinned, self.step("200")["pinned"])
        size = self.step("200")["bytes"]
        for answer, removed in ((b"n\n", False), (b"y\n", True)):
            result = self.asked(answer, "rm", path, "--json")
            self.assertEqual({"path": path, "removed": removed, "bytes": size, "damaged": False}, json.loads(result.stdout))
            self.assertNotEqual(removed, (self.root / "200").exists())
        (self.root / "100" / "commit").unlink()
        self.assertTrue(json.loads(cairn("rm", self.root / "100", "--yes", "--json").stdout)["damaged"])

    def test_misspelt_steps_and_roots_are_2_with_the_nearest(self):
        self.hide("200")
        (self.root / "notes").mkdir()
        for command in ("pin", "unpin", "rm", "show", "cat", "verify"):
            with self.subTest(command=command):
                for name, words in (("30", r"did you mean `300`"), ("2000", r"did you mean `200`"),
                                    ("latest", r"there are: 100, 300, 200\n")):
                    result = cairn(command, self.root / name)
                    self.assertEqual((2, ""), (result.returncode, result.stdout))
                    self.assertRegex(result.stderr, words)
                    self.assertNotIn("notes", result.stderr)
        result = cairn("diff", self.root / "100", self.root / "30")
        self.assertRegex(result.stderr, "did you mean `300`")
        root, name = self.root.parent, self.root.name
        for arguments in (("ls", root / name[:-1]), ("gc", root / name[:-1]), ("pin", root / name[:-1] / "300")):
            with self.subTest(arguments=arguments):
                result = cairn(*arguments)
                self.assertEqual((2, ""), (result.returncode, result.stdout))
                self.assertIn(f"did you mean `{name}`?", result.stderr)
        self.assertIn("did you mean `300`", cairn("pin", "30/", environment={"CAIRN_FILES_PREFIX": str(self.root)}).stderr)
        self.assertNotIn("there are", cairn("ls", self.root / "nothing-of-that-name").stderr)

    def test_rm_needs_yes_where_nobody_can_be_asked(self):
        result = cairn("rm", self.root / "100")
        self.assertEqual(2, result.returncode)
        self.assertIn("--yes", result.stderr)
        self.assertTrue((self.root / "100").exists())

    def asked(self, answer, *arguments):
        """Run on a terminal, on which this is typed."""
        ours, theirs = pty.openpty()
        try:
            os.write(ours, answer)
            return cairn(*arguments, stdin=theirs)
        finally:
            os.close(theirs)
            os.close(ours)

    def test_rm_asks_on_a_terminal(self):
        for answer, there in ((b"n\n", True), (b"\n", True), (b"y\n", False)):
            with self.subTest(answer=answer):
                result = self.asked(answer, "rm", self.root / "100")
                self.assertEqual(0, result.returncode, result.stderr)
                self.assertIn("remove", result.stderr)
                self.assertEqual(there, (self.root / "100").exists())

    def test_rm_of_damaged_and_hidden_ones(self):
        (self.root / "100" / "commit").unlink()
        entry = self.hide("200")
        for name in ("100", "200"):
            self.assertEqual(0, cairn("rm", self.root / name, "--yes").returncode)
        self.assertEqual([".cairn", "300"], sorted(os.listdir(self.root)))
        self.assertFalse((self.root / entry).exists())

    def test_rm_of_what_is_no_checkpoint_is_2_and_removes_nothing(self):
        (self.root / "notes").mkdir()
        for name in ("notes", "none", ".cairn"):
            self.assertEqual(2, cairn("rm", self.root / name, "--yes", "--force").returncode)
        self.assertTrue((self.root / "notes").exists() and (self.root / ".cairn").exists())

    def test_rm_while_a_save_is_under_way_is_2(self):
        with living("begin", self.root / "300"):
            self.assertEqual(2, cairn("rm", self.root / "300", "--yes").returncode)
            self.assertTrue((self.root / "300").exists())


if __name__ == "__main__":
    unittest.main()
