"""Run the tests of faults again and again, until one fails: `make repeat`."""

from __future__ import annotations

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

COMMAND = [
    *(sys.executable, "-m", "pytest", "-q", "-x", "-m", "faults", "--implementation=gopool"),
    *("-p", "no:cacheprovider"),
]


class Repetitions:
    """Runs of pytest, some at a time: most tests wait, and one leaves the others alone."""

    def __init__(self, wanted: int, arguments: list[str]) -> None:
        self._wanted = wanted
        self._arguments = arguments
        self._number = itertools.count(1).__next__
        self._lock = threading.Lock()
        self.done = 0
        self.tests = 0
        self.failed = False

    def run(self) -> None:
        """Run one after the other, until there were enough or one has failed."""
        while not self.failed and (number := self._number()) <= self._wanted:
            with tempfile.TemporaryDirectory(prefix="repeat-") as directory:
                run = subprocess.run(
                    [*COMMAND, f"--basetemp={Path(directory, 'tests')}", *self._arguments],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
            with self._lock:
                summary = run.stdout.rstrip().rpartition("\n")[2]
                if run.returncode:
                    self.failed = True
                    print(run.stdout)
                else:
                    self.done += 1
                    self.tests += int(re.findall(r"(\d+) passed", summary)[0])
                print(f"repetition {number}: {summary}", flush=True)


def main() -> int:
    """Repeat as often as the arguments say; return 0 if nothing failed."""
    parser = argparse.ArgumentParser(prog="repeat", description="Run the tests of faults often.")
    parser.add_argument("--times", type=int, default=10, help="how often (10)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    options, arguments = parser.parse_known_args()
    repetitions = Repetitions(options.times, arguments)
    begin = time.monotonic()
    threads = [threading.Thread(target=repetitions.run) for _ in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    minutes = (time.monotonic() - begin) / 60
    outcome = "one failed" if repetitions.failed else "none failed"
    print(
        f"{repetitions.done} repetitions, {repetitions.tests:,} tests "
        f"in {minutes:.1f} minutes, {outcome}"
    )
    return 1 if repetitions.failed else 0


if __name__ == "__main__":
    sys.exit(main())
