#!/usr/bin/env python3
"""The example with a handler: saved part of the way by some ranks, it goes on and ends the same on others.

usage: handler_test.py PROGRAM MPIRUN
"""

import json
import pathlib
import struct
import sys
import tempfile

from resume_test import Runner, expect, only

VERTICES, BATCHES = 200, 40


def state(when, output):
    """What it told: batches left, ends of edges, parts."""
    return tuple(map(int, only(rf"^handler: {when}, (\d+) batches left, (\d+) ends of edges, (\d+) parts$", output)))


def check_files(path, batches_left, ends, output):
    """The graph's file is as the handler says, and the loader's JSON holds what is left."""
    numbers = struct.unpack(f"={2 + VERTICES + 1 + ends}Q", (path / "edges.graph").read_bytes())
    begins, targets = numbers[2: 3 + VERTICES], numbers[3 + VERTICES:]
    expect(numbers[:2] == (VERTICES, ends) and begins[0] == 0 and begins[-1] == ends, "edges.graph has another head", output)
    expect(all(a <= b for a, b in zip(begins, begins[1:])), "its rows are not ascending", output)
    edges = {(at, to) for at in range(VERTICES) for to in targets[begins[at]: begins[at + 1]]}
    expect(len(edges) == ends and all((b, a) in edges for a, b in edges), "its edges have one end", output)
    expect(f'edges.graph holds {{"targets":{ends},"vertices":{VERTICES}}}' in output, "the handler tells otherwise", output)
    left = [batch for states in json.loads((path / "loader.json").read_text())["states"] for batch in states]
    expect(len(left) == len(set(left)) == batches_left, "loader.json has other batches", str(left))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    run = Runner(*sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="cairn-handler-") as work:
        work = pathlib.Path(work)
        output = run(1, "--vertices", VERTICES, "--batches", BATCHES, "--path", work / "whole")
        wanted = state("saved", output)
        expect(wanted[0] == 0 and 1 < wanted[2] < VERTICES, "there should be several parts", output)
        for first, then in ((2, 3), (3, 2), (1, 4), (3, 3)):
            path = work / f"{first}-{then}"
            options = ["--vertices", VERTICES, "--batches", BATCHES, "--path", path]
            output = run(first, *options, "--rounds", 5)
            saved = state("saved", output)
            expect(saved[0] == BATCHES - 5 * first, "another number of batches is left", output)
            check_files(path, saved[0], saved[1], output)
            output = run(then, *options)
            expect(state("resumed", output) == saved, f"{then} ranks loaded something else than {first} saved", output)
            expect(state("saved", output) == wanted, f"{first}, then {then} ranks: another end", output)
            check_files(path, 0, wanted[1], output)
            again = run(2, *options)
            expect(state("resumed", again) == wanted, "what was saved last is another", again)


if __name__ == "__main__":
    main()
