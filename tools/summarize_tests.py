#!/usr/bin/env python3
"""Shows what Meson's test log says of the tests that failed, and counts them all.

usage: summarize_tests.py build/meson-logs/testlog.json

The last line is `N passed, N failed, N skipped`. Exits with 1 if a test failed, or if none was run.
"""

import json
import pathlib
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}
LINES = 60  # of each output, from its end


def tail(text):
    lines = (text or "").rstrip().split("\n")
    left_out = [f"... ({len(lines) - LINES} lines before)"] if len(lines) > LINES else []
    return "\n".join("  | " + line for line in left_out + lines[-LINES:])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    log = pathlib.Path(sys.argv[1])
    if not log.exists():
        print(f"{log} is not there: the tests were not run")
        print("0 passed, 0 failed, 0 skipped")
        sys.exit(1)
    tests = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    failed = [test for test in tests if test["result"] not in PASSED | SKIPPED]
    for test in failed:
        print(f"\nFAILED {test['name']}: {test['result']}, exit status {test['returncode']}, {test['duration']:.1f} s")
        print("  " + " ".join(test["command"]))
        for stream in ("stdout", "stderr"):
            if (test.get(stream) or "").strip():
                print(f"  {stream}:\n{tail(test[stream])}")
    passed = sum(test["result"] in PASSED for test in tests)
    skipped = sum(test["result"] in SKIPPED for test in tests)
    print(f"\n{passed} passed, {len(failed)} failed, {skipped} skipped")
    sys.exit(1 if failed or not tests else 0)


if __name__ == "__main__":
    main()
