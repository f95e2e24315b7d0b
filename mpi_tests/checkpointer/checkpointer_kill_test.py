#!/usr/bin/env python3
"""Kills a job that saves under a Checkpointer at random file-system calls, one rank or all, life after life.

Each life must restore a whole step, never an older one than some life has seen committed, and must be able to save. Now and
then a life is left to its end: then there are the two steps that it keeps, and nothing of what dead ones left beside them.
Lives are of 3 ranks, and some of 2.
"""

import argparse
import os
import random
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import job  # noqa: E402
from job import Failure  # noqa: E402

SAVES = 6  # of a life
NEVER = 10**9


class Life:
    """What one run of the program printed."""

    def __init__(self, options, ranks, root, number, victim, call, scope):
        arguments = (root, number, SAVES, victim, call, scope)
        status, out, errors = job.run(options, ranks, arguments)
        self.text = f"{ranks} ranks: {arguments}, exit status {status}\n{out}{errors}"
        lines = [line.split() for line in out.splitlines() if line]
        self.restored = next(([*map(int, line[1:])] for line in lines if line[0] == "restored" and line[1] != "none"), None)
        self.fresh = ["restored", "none"] in lines
        self.saving = [int(line[1]) for line in lines if line[0] == "saving"]
        self.committed = [int(line[1]) for line in lines if line[0] == "committed"]
        self.done = ["done"] in lines
        self.calls = next((int(line[1]) for line in lines if line[0] == "calls"), None)
        if any(line[0] == "failed" for line in lines):
            raise Failure(f"a life failed instead of being killed: {self.text}")
        if self.done != (status == 0):
            raise Failure(f"neither done nor killed: {self.text}")


class Chain:
    """Lives that follow one another in a root directory of their own."""

    def __init__(self, options, root, seed):
        self.options, self.root, self.random = options, root, random.Random(seed)
        self.lives = self.killed = self.newest = 0
        self.killed_saving = 0      # once it had restored
        self.numbers = {}           # by step: what lives have begun to save as it
        self.calls = {}             # by ranks and victim: how many calls a life makes

    def entries(self, hidden):
        if not os.path.isdir(self.root):
            return set()
        return {name for name in os.listdir(self.root) if name.startswith(".") == hidden and name != ".cairn"}

    def live(self, ranks, victim, call, scope):
        self.lives += 1
        hidden = self.entries(True)
        life = Life(self.options, ranks, self.root, self.lives, victim, call, scope)
        self.judge(life)
        for step in life.saving:
            self.numbers.setdefault(step, set()).add(1000 * step + self.lives)
        self.newest = max([self.newest, *life.committed])
        if life.done:
            self.judge_end(life, hidden)
            self.calls[ranks, victim] = life.calls
        else:
            self.killed += 1
            self.killed_saving += bool(life.saving)

    def judge(self, life):
        if life.fresh and self.newest > 0:
            raise Failure(f"step {self.newest} was committed and is gone: {life.text}")
        if life.restored:
            step, number = life.restored
            if step < self.newest:
                raise Failure(f"step {self.newest} was committed, and an older one restored: {life.text}")
            if number not in self.numbers.get(step, ()):
                raise Failure(f"step {step} holds {number}, expected one of {self.numbers.get(step)}: {life.text}")
            self.newest = step

    def judge_end(self, life, hidden):
        if life.committed[-1] != life.saving[-1]:
            raise Failure(f"the last step was not committed: {life.text}")
        expected = {str(step) for step in life.saving[-2:]}
        if self.entries(False) != expected:
            raise Failure(f"there are {sorted(self.entries(False))}, expected {sorted(expected)}: {life.text}")
        left = {name for name in self.entries(True) if name in hidden or not name.endswith(".trash")}
        if left:
            raise Failure(f"left behind: {sorted(left)}: {life.text}")

    def run_all(self, kills):
        for ranks in (self.options.ranks, self.options.ranks - 1):
            for victim in (0, 1):
                self.live(ranks, victim, NEVER, "all")
        # A dead job's leftovers are to be met by other dead jobs, too.
        while self.killed < kills and self.lives < 3 * kills + 10:
            ranks = self.options.ranks - (self.random.random() < 0.25)
            victim = self.random.choice([0, 0, self.random.randrange(ranks)])
            call = self.random.randrange(self.calls[ranks, min(victim, 1)])
            self.live(ranks, victim, call, self.random.choice(["one", "all"]))
            if self.killed % 5 == 0:
                self.live(ranks, victim and 1, NEVER, "all")
        self.live(self.options.ranks, 0, NEVER, "all")


def main():
    parser = argparse.ArgumentParser()
    job.add_arguments(parser)
    parser.add_argument("--kills", type=int, default=25)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cairn-kill-") as folder:
        chains = [Chain(options, os.path.join(folder, f"run-{i}", "steps"), options.seed * 100 + i)
                  for i in range(options.chains)]
        try:
            job.run_chains(chains, lambda chain, i: chain.run_all(-(-options.kills // options.chains)))
        except Failure as failure:
            sys.exit(str(failure))
        lives, killed, saving = (sum(getattr(chain, name) for chain in chains) for name in ("lives", "killed", "killed_saving"))
        print(f"{lives} lives, {killed} killed, {saving} of them while saving; calls of a life: {chains[0].calls}")
        if killed < options.kills or saving < killed // 2:
            sys.exit("too few points were reached: the test does not test")


if __name__ == "__main__":
    main()
