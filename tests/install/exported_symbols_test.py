#!/usr/bin/env python3
"""usage: exported_symbols_test.py NM LIBRARY

The library exports its own names alone: C++ ones of its inline namespace, and `cairn_*` of C.
"""

import re
import subprocess
import sys


def main():
    nm, library = sys.argv[1:]
    lines = subprocess.run([nm, "-D", "--defined-only", "-C", library], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    names = [line.split(" ", 2)[2] for line in lines]
    own = re.compile(r"(?:[a-z ]+ for )?(?:non-virtual thunk to )?cairn::v\d+_\w+::|cairn_\w+$")
    foreign = [name for name in names if not own.match(name)]
    if len(names) < 50:
        sys.exit(f"only {len(names)} symbols: the test does not see the library's")
    json = [name for name in names if "nlohmann" in name]
    if foreign or json:
        sys.exit("exported, and not the library's to export:\n  " + "\n  ".join(foreign + json))
    print(f"{len(names)} symbols")


if __name__ == "__main__":
    main()
