#!/usr/bin/env python3
"""Runs the benchmark on very small workloads, on 2 ranks: it must print a table and write JSON for each.

usage: bench_test.py MPIRUN CAIRN_BENCH [CAIRN_BENCH_ON_A_SIMULATED_DEVICE]
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
mpirun, bench = sys.argv[1], os.path.abspath(sys.argv[2])
simulated = sys.argv[3:]
environment = dict(os.environ)
flags = []
if "Open MPI" in subprocess.run([mpirun, "--version"], capture_output=True, text=True).stdout:
    flags = ["--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
if os.geteuid() == 0:
    environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")

WORKLOADS = ["fields", "gpt2", "gpt2-sharded", "particles", "leaves"]


def run(program, data, workloads, *more, only="cairn"):
    options = ["--workload", *workloads, "--mib", "4", "--layers", "1", "--tokens", "40", "--leaves", "50", "--repetitions", "1",
               "--only", only, "--path", str(data), "--json", f"{data}.json", *more]
    result = subprocess.run([mpirun, *flags, "-n", "2", program, *options], capture_output=True, text=True, timeout=150,
                            env=environment)
    if result.returncode != 0:
        sys.exit(result.stdout + result.stderr)
    results = json.loads(pathlib.Path(f"{data}.json").read_text())
    assert [one["workload"] for one in results] == workloads, results
    assert all(one["workload"] + ": " in result.stdout for one in results), result.stdout
    assert list(data.iterdir()) == [], "it left files behind"
    return results


with tempfile.TemporaryDirectory(prefix="cairn-bench-") as work:
    work = pathlib.Path(work)
    for one in run(bench, work / "host", ["fields", "gpt2", "gpt2-sharded", "particles", "leaves"]):
        assert one["ranks"] == 2 and one["bytes"] > 0, one
        names = [contender["name"] for contender in one["writes"] + one["reads"]]
        assert "cairn direct" in names and "cairn load, cold" in names, names
        assert all(contender["median_s"] > 0 for contender in one["writes"] + one["reads"]), one
        assert "device" not in one, one
    for program in simulated:
        for one in run(program, work / "device", ["fields", "gpt2", "particles"], "--device", only="c"):
            names = [contender["name"] for contender in one["device"]]
            assert names == ["cudaMemcpy to pinned memory", "cairn save_async, blocked", "cairn direct", "cairn load, warm"], names
            assert one["device_bytes_taken"] == 0, one
