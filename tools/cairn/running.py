"""What the tests of the command share: the programs that they are given, and how these are run."""

import os
import subprocess
import sys

ENVIRONMENT = {**{name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")},
               "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_btl": "self",
               "ASAN_OPTIONS": "detect_leaks=0"}


def take_paths(usage, count=2):
    """The command line's paths, which unittest is not to see."""
    if len(sys.argv) != count + 1:
        sys.exit(usage)
    paths = [os.path.abspath(path) for path in sys.argv[1:]]
    del sys.argv[1:]
    return paths


def run(program, *arguments, environment=None, **options):
    """The finished process, with its output; nothing is typed into it."""
    return subprocess.run([program, *map(str, arguments)], env={**ENVIRONMENT, **(environment or {})},
                          **{"text": True, "timeout": 60, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                             "stderr": subprocess.PIPE, **options})
