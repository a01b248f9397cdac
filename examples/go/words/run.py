"""Index Python's own library by a Go function, and by its twin in Python: ``python run.py``."""

import argparse
import dataclasses
import multiprocessing
import os
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import twin
import words  # made by `gopool build .`

import gopool

TOP = 5


def timed(pool: Any, summarize: Callable[[str, int], Any], paths: list[str]) -> tuple[Any, float]:
    """Summarize all files, one a task; return the summaries, and the seconds it took."""
    with pool:
        pool.apply(summarize, (paths[0], TOP))  # loads what the first call loads
        start = time.perf_counter()
        summaries = pool.starmap(summarize, [(path, TOP) for path in paths])
        return summaries, time.perf_counter() - start


def main() -> None:
    """Run both, compare their results, and print what the longest files are about."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "directory", nargs="?", type=Path, default=Path(sysconfig.get_path("stdlib"))
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()

    paths = twin.find_texts(options.directory)
    for path in paths:
        Path(path).read_bytes()  # the system has it in memory from now on
    theirs, in_python = timed(multiprocessing.Pool(options.workers), twin.summarize, paths)
    ours, in_go = timed(gopool.GoPool(options.workers), words.Summarize, paths)
    assert [*map(dataclasses.asdict, ours)] == [*map(dataclasses.asdict, theirs)]

    total = sum(summary.Words for summary in ours)
    print(f"{len(paths):,} files, {total:,} words, the longest files:")
    for summary in sorted(ours, key=lambda summary: summary.Words, reverse=True)[:5]:
        about = ", ".join(f"{term.Text} {term.Count:,}" for term in summary.Top)
        print(f"  {Path(summary.Path).relative_to(options.directory)}: {about}")
    print(f"Go {in_go:.2f} s, Python {in_python:.2f} s: {in_python / in_go:.1f} times as long")


if __name__ == "__main__":
    main()
