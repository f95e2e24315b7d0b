#!/usr/bin/env python3
"""Kills a job at many points of a save, first saves and overwrites, one rank and all of them, and looks at what is left.

Afterwards the path must hold the whole old checkpoint or the whole new one (or, at a first save, none), the next save must go
through, and nothing hidden may remain beside it. Points are drawn without repetition from all of them by a seeded generator;
`--points 0` takes every one. `--way background` does the same to saves in the background.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import job  # noqa: E402
from job import Failure  # noqa: E402


class Life:
    """What one run of the program printed."""

    def __init__(self, options, check, path, generation, victim, call, scope):
        arguments = (check or "-", path, generation, victim, call, scope, options.way)
        status, out, self.errors = job.run(options, options.ranks, arguments)
        words = out.split()
        self.found = words[words.index("found") + 1] if "found" in words else None
        self.saved = "saved" in words
        self.calls = int(words[words.index("calls") + 1]) if "calls" in words else None
        if not self.saved and status == 0:
            raise Failure(f"neither saved nor killed: {arguments}\n{out}{self.errors}")


def never_reached(options, check, path, generation, victim=0):
    life = Life(options, check, path, generation, victim, 10**9, "all")
    if not life.saved:
        raise Failure(f"a save that nobody kills failed\n{life.errors}")
    return life


def all_points(options, folder):
    """Every call of every rank, in a first save and in an overwrite, with one rank and with all killed there."""
    points = []
    for victim in range(options.ranks):
        path = os.path.join(folder, f"count-{victim}")
        for generation, mode in ((1, "first"), (2, "overwrite")):
            calls = never_reached(options, None, path, generation, victim).calls
            if options.way == "background":  # what waits looks as often as it takes: an undisturbed save is meant
                again = never_reached(options, None, f"{path}-again", generation, victim).calls
                calls = min(calls, again)
            print(f"rank {victim}: {calls} storage calls, {mode}", flush=True)
            points += [(mode, victim, call, scope) for call in range(calls) for scope in ("one", "all")]
    return points


class Chain:
    """Lives that follow one another in a folder of their own: each looks at what the one before left."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        os.mkdir(folder)
        self.generation = self.paths = self.killed = self.completed = 0
        self.allowed = {}   # by path: the generations that may be found there ("none": nothing)
        self.standing = []  # paths of first saves, to be overwritten
        self.unseen = None  # the path of the last save, not looked at yet
        self.first = self.new_path()

    def new_path(self):
        self.paths += 1
        path = os.path.join(self.folder, f"ckpt-{self.paths}")
        self.allowed[path] = {"none"}
        return path

    def hidden(self, path=None):
        """What is hidden in the folder; of one path only, with what was committed first."""
        prefix = "." + (os.path.basename(path) + "." if path else "")
        return [name for name in os.listdir(self.folder) if name.startswith(prefix)]

    def is_beside(self, path, *files):
        """Whether something hidden beside the path holds one of these files."""
        return any(os.path.exists(os.path.join(self.folder, name, file)) for name in self.hidden(path) for file in files)

    def live(self, path, call=10**9, victim=0, scope="all"):
        self.generation += 1
        check = self.unseen
        # What was decided, or may have all its votes: the save that follows the check may put it in place.
        waiting = check and self.is_beside(check, "commit", "votes")
        life = Life(self.options, check, path, self.generation, victim, call, scope)
        if check:
            if life.found not in self.allowed[check]:
                raise Failure(f"{check} holds {life.found}, expected one of {sorted(self.allowed[check])}\n{life.errors}")
            if not waiting:
                self.allowed[check] = {life.found}
        new = {str(self.generation)}
        self.allowed[path] = new if life.saved else self.allowed[path] | new
        self.unseen = path
        return life

    def run(self, point):
        mode, victim, call, scope = point
        if mode == "overwrite" and not self.standing:
            path = self.new_path()
            self.live(path)
            self.standing.append(path)
        path = self.first if mode == "first" else self.standing[0]
        life = self.live(path, call, victim, scope)
        self.killed += not life.saved
        self.completed += life.saved
        if mode == "first" and (os.path.exists(path) or self.is_beside(path, "commit")):
            self.standing.append(path)  # the next first save goes elsewhere
            self.first = self.new_path()
        if mode == "overwrite" and len(self.standing) > 1:
            self.finish(self.standing.pop(0))

    def finish(self, path):
        """One more save goes through, and leaves nothing beside the path."""
        if not self.live(path).saved:
            raise Failure(f"{path} cannot be saved to any more")
        if self.hidden(path):
            raise Failure(f"left behind: {self.hidden(path)}")
        shutil.rmtree(path)
        self.allowed[path] = {"none"}

    def end(self):
        for path in [*self.standing, self.first]:
            self.finish(path)
        if self.hidden():
            raise Failure(f"left behind: {self.hidden()}")

    def run_all(self, points):
        for point in points:
            self.run(point)
        self.end()


def main():
    parser = argparse.ArgumentParser()
    job.add_arguments(parser)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--way", choices=["now", "background"], default="now")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="cairn-crash-") as folder:
        try:
            points = all_points(options, folder)
            random.Random(options.seed).shuffle(points)
            if options.points > 0:
                points = points[: options.points]
            chains = [Chain(options, os.path.join(folder, f"chain-{i}")) for i in range(options.chains)]
            job.run_chains(chains, lambda chain, i: chain.run_all(points[i :: options.chains]))
        except Failure as failure:
            sys.exit(str(failure))
        killed, completed = (sum(getattr(chain, name) for chain in chains) for name in ("killed", "completed"))
        print(f"{killed} kills, {completed} saves that finished before their point: every path held a whole checkpoint")
        # In the background a rank looks for votes as often as it takes.
        if killed < (0.95 if options.way == "now" else 0.7) * len(points):
            sys.exit("too few points were reached: the test does not test")


if __name__ == "__main__":
    main()
