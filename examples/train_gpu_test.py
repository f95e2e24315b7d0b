#!/usr/bin/env python3
"""Kills the training on a GPU at a step; what it goes on with must give the losses of a run that was not killed.

usage: train_gpu_test.py PROGRAM MPIRUN

Skipped (77) where there is no device.
"""

import pathlib
import re
import sys
import tempfile

from resume_test import Runner, expect

if len(sys.argv) != 3:
    sys.exit(__doc__)
run = Runner(*sys.argv[1:])


def losses(output):
    return dict(re.findall(r"step (\d+) loss (\S+)", output))


with tempfile.TemporaryDirectory(prefix="cairn-train-gpu-") as folder:
    folder = pathlib.Path(folder)
    try:
        whole = run(2, "--steps", 30, "--every", 7, "--path", folder / "whole")
    except SystemExit as failure:
        if "no device" in str(failure):
            sys.exit(77)
        raise
    killed = run(2, "--steps", 30, "--every", 7, "--path", folder / "killed", "--die-at", 17, "--die-rank", 1, dies=True)
    resumed = run(2, "--steps", 30, "--every", 7, "--path", folder / "killed")
    expected, before, after = losses(whole), losses(killed), losses(resumed)
    expect(len(expected) == 30, "the run that was not killed did not take 30 steps", whole)
    expect(0 < len(after) < 30 and "30" in after, "it did not go on from a checkpoint", resumed)
    for name, part in (("before it was killed", before), ("after it went on", after)):
        expect(all(expected[step] == loss for step, loss in part.items()), f"other losses {name}", whole, killed, resumed)
