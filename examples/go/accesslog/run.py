"""Sum up the log of an invented web server: with Go in goroutines, and with Python in processes."""

from __future__ import annotations

import argparse
import mmap
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import accesslog  # what `gopool build .` has made
import twin
from generate import generate

import gopool

CHUNK = 4 << 20
SHARE = 8  # Python takes long: it gets one chunk in so many


def chunks(log: mmap.mmap) -> list[memoryview]:
    """Cut a log into whole lines of about four megabytes, without reading or copying it."""
    text = memoryview(log)
    parts = []
    start = 0
    while start < len(log):
        end = log.find(b"\n", start + CHUNK) + 1 or len(log)
        parts.append(text[start:end])
        start = end
    return parts


def timed(pool: Any, summarize: Callable[[Any], Any], parts: list[Any]) -> tuple[float, list[Any]]:
    """Return how long the pool takes for all parts, and their summaries."""
    with pool:
        start = time.perf_counter()
        summaries = pool.map(summarize, parts)
        return time.perf_counter() - start, summaries


def add_up(summaries: list[Any]) -> twin.Summary:
    """Make one summary of many."""
    total = twin.Summary()
    total.first = min(part.first for part in summaries if part.requests)
    total.last = max(part.last for part in summaries if part.requests)
    total.slowest = max((part.slowest for part in summaries), key=lambda entry: entry.took)
    for part in summaries:
        total.requests += part.requests
        total.malformed += part.malformed
        total.bytes += part.bytes
        for ours, theirs in ((total.statuses, part.statuses), (total.paths, part.paths)):
            for key, traffic in theirs.items():
                sum_of_both = ours.setdefault(key, twin.Traffic())
                sum_of_both.requests += traffic.requests
                sum_of_both.bytes += traffic.bytes
    return total


def report(summary: twin.Summary) -> None:
    """Print what is in the log."""
    print(f"{summary.requests:,} requests from {summary.first} to {summary.last},")
    print(f"{summary.bytes:,} bytes, and {summary.malformed:,} lines that are not in the format")
    print(
        "by status:", ", ".join(f"{s}: {t.requests:,}" for s, t in sorted(summary.statuses.items()))
    )
    print("most wanted:")
    wanted = sorted(summary.paths.items(), key=lambda item: -item[1].requests)
    for path, traffic in wanted[:5]:
        print(f"  {path:28}{traffic.requests:9,} requests{traffic.bytes:15,} bytes")
    slowest = summary.slowest
    print(f"slowest: {slowest.method} {slowest.path}, {slowest.took} for {slowest.host}")


def main() -> None:
    """Write a log, sum it up, and have Python do the same with a part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()

    with tempfile.TemporaryFile("w+") as file:
        file.writelines(generate(options.lines))
        file.flush()
        parts = chunks(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    in_go, summaries = timed(gopool.GoPool(options.workers), accesslog.Summarize, parts)
    report(add_up(summaries))

    some = [bytes(part) for part in parts[::SHARE]]  # processes get copies
    in_python, expected = timed(multiprocessing.Pool(options.workers), twin.summarize, some)
    assert [*map(asdict, summaries[::SHARE])] == [*map(asdict, expected)]
    for name, seconds, done in (
        ("Go, GoPool", in_go, parts),
        ("Python, multiprocessing.Pool", in_python, some),
    ):
        megabytes = sum(map(len, done)) / 1e6
        print(f"{name:30}{megabytes / seconds:8.0f} MB/s")


if __name__ == "__main__":
    main()
