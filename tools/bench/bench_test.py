#!/usr/bin/env python3
"""Runs the benchmark on very small workloads, on 2 ranks: it must print a table and write JSON for each.

usage: bench_test.py CAIRN_BENCH MPIRUN
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

if len(sys.argv) != 3:
    sys.exit(__doc__)
bench, mpirun = os.path.abspath(sys.argv[1]), sys.argv[2]
environment = dict(os.environ)
flags = []
if "Open MPI" in subprocess.run([mpirun, "--version"], capture_output=True, text=True).stdout:
    flags = ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
if os.geteuid() == 0:
    environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")

WORKLOADS = ["fields", "gpt2", "gpt2-sharded", "particles", "leaves"]
with tempfile.TemporaryDirectory(prefix="cairn-bench-") as work:
    work = pathlib.Path(work)
    options = ["--workload", *WORKLOADS, "--mib", "4", "--layers", "1", "--tokens", "40", "--leaves", "50", "--repetitions", "1",
               "--only", "cairn", "--path", str(work / "data"), "--json", str(work / "results.json")]
    result = subprocess.run([mpirun, *flags, "-n", "2", bench, *options], capture_output=True, text=True,
                            timeout=150, env=environment)
    if result.returncode != 0:
        sys.exit(result.stdout + result.stderr)
    results = json.loads((work / "results.json").read_text())
    assert [one["workload"] for one in results] == WORKLOADS, results
    for one in results:
        assert one["ranks"] == 2 and one["bytes"] > 0, one
        assert one["workload"] + ": " in result.stdout, result.stdout
        names = [contender["name"] for contender in one["writes"] + one["reads"]]
        assert "cairn direct" in names and "cairn load, cold" in names, names
        assert all(contender["median_s"] > 0 for contender in one["writes"] + one["reads"]), one
    assert list((work / "data").iterdir()) == [], "it left files behind"
