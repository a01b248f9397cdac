"""Count the words of the Python standard library and search it, with all cores.

The same job runs with gopool.Pool and with multiprocessing.Pool: only the class differs. The
results must be equal; the times are printed side by side.
"""

import argparse
import multiprocessing
import re
import statistics
import sys
import sysconfig
import time
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gopool

LIBRARY = Path(sysconfig.get_path("stdlib"))
POOLS: dict[str, Callable[[int], Any]] = {
    "gopool": gopool.Pool,
    "multiprocessing": multiprocessing.Pool,
}


class Hit(NamedTuple):
    """A line that the pattern matches."""

    path: Path
    number: int
    line: str


class Findings(NamedTuple):
    """What the job finds out: how often each word occurs, and the matching lines."""

    words: Counter[str]
    hits: list[Hit]


def count_words(path: Path) -> Counter[str]:
    """Count the words of one source file. Runs in a worker."""
    return Counter(re.findall(r"[a-z]{2,}", read(path).lower()))


def search(pattern: str, path: Path) -> list[Hit]:
    """Find the lines of one source file that the pattern matches. Runs in a worker."""
    lines = enumerate(read(path).splitlines(), start=1)
    return [Hit(path, number, line.strip()) for number, line in lines if re.search(pattern, line)]


def run(pool: Any, paths: list[Path], pattern: str, show: Callable[[int], None]) -> Findings:
    """Do the whole job on a pool, and call `show` with the number of files counted so far."""
    # One task per file, and the counts are added up here while the workers go on.
    pending = [pool.apply_async(count_words, (path,)) for path in paths]
    words: Counter[str] = Counter()
    for done, result in enumerate(pending, start=1):
        words.update(result.get())
        show(done)
    # One call for all files: the pool decides how to cut it up.
    hits = pool.map(partial(search, pattern), paths)
    return Findings(words, [hit for found in hits for hit in found])


def read(path: Path) -> str:
    """Return the text of a source file, decoded as the file itself says."""
    with tokenize.open(path) as file:
        return file.read()


def readable_sources() -> Iterator[Path]:
    """Yield the standard library's files. Each is read once: then the system has it in memory."""
    for path in sorted(LIBRARY.rglob("*.py")):
        if not {"site-packages", "dist-packages"}.intersection(path.parts):
            try:
                read(path)
            except (OSError, SyntaxError, UnicodeDecodeError):
                continue  # some of Python's own tests are broken on purpose
            yield path


def progress(label: str, total: int) -> Callable[[int], None]:
    """Return a function that reports progress: in place on a terminal, else every few seconds."""
    in_place = sys.stdout.isatty()
    interval = 0.1 if in_place else 2.0
    due = time.monotonic() + interval

    def show(done: int) -> None:
        nonlocal due
        if time.monotonic() >= due or done == total:
            due = time.monotonic() + interval
            line = f"{label}: counted {done:,} of {total:,} files"
            print(f"\r{line:64}" if in_place else line, end="" if in_place else "\n", flush=True)

    return show


def report(findings: Findings, times: dict[str, list[float]]) -> None:
    """Print the ten commonest words, some hits, and the times."""
    common = ", ".join(f"{word} {count:,}" for word, count in findings.words.most_common(10))
    print(f"\n{findings.words.total():,} words, the commonest: {common}")
    print(f"\n{len(findings.hits):,} lines match, the first of them:")
    for hit in findings.hits[:5]:
        print(f"  {hit.path.relative_to(LIBRARY)}:{hit.number}: {hit.line[:80]}")
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    print("\nThe results are equal. Median times:")
    for name, seconds in medians.items():
        print(f"  {name:16}{seconds:6.2f} s")
    ratio = medians["multiprocessing"] / medians["gopool"]
    print(f"multiprocessing takes {ratio:.2f} times as long as gopool")


def main() -> int:
    """Run the job with both pools in turns, and compare results and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, help="default: one per core")
    parser.add_argument("--pattern", default=r"\b(XXX|FIXME|TODO)\b", help="a regular expression")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each pool (default: 3)")
    options = parser.parse_args()
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")

    paths = list(readable_sources())
    print(f"{len(paths):,} files in {LIBRARY}")
    results: list[Findings] = []
    times: dict[str, list[float]] = {name: [] for name in POOLS}
    for turn in range(options.repeat):
        for name in POOLS if turn % 2 == 0 else reversed(POOLS):
            show = progress(f"run {turn + 1} of {options.repeat}, {name}", len(paths))
            start = time.perf_counter()
            with POOLS[name](options.processes) as pool:
                results.append(run(pool, paths, options.pattern, show))
            times[name].append(time.perf_counter() - start)
            if results[-1] != results[0]:
                print(f"\n{name} came to another result than the first run", file=sys.stderr)
                return 1
    report(results[0], times)
    return 0


if __name__ == "__main__":
    sys.exit(main())
