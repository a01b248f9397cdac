"""Recognise handwritten digits by their nearest neighbours: in Go, and in Python.

Prints how many are right for each k, with the times, and draws a plot of it.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from typing import Any

import neighbours  # what `gopool build .` has made
import numpy as np
import twin
from data import Data, load

import gopool

BLOCK = 50  # queries per task


def blocks(data: Data, k: int) -> list[tuple[Any, Any, Any, int]]:
    """Return the arguments of each task. The points are the same array in all of them."""
    return [
        (data.points, data.labels, data.queries[start : start + BLOCK], k)
        for start in range(0, len(data.queries), BLOCK)
    ]


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a call takes, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def accuracies(pool: gopool.GoPool, data: Data, ks: range) -> list[float]:
    """Print and return for each k which share of the queries gets the right label."""
    print("   k   right      time")
    shares = []
    for k in ks:
        seconds, found = timed(lambda k=k: pool.starmap(neighbours.Classify, blocks(data, k)))
        shares.append(float(np.mean(np.concatenate(found) == data.truth)))
        print(f"{k:4}{shares[-1]:8.2%}{seconds * 1e3:7.1f} ms")
    return shares


def compare(goroutines: gopool.GoPool, workers: gopool.Pool, data: Data, k: int) -> None:
    """Do the same in Python, check that it is equal, and print what a query takes each way."""
    tasks = blocks(data, k)
    part = tasks[: max(len(tasks) // 4, 1)]  # Python takes long: a part says enough
    in_go, found = timed(lambda: goroutines.starmap(neighbours.Classify, tasks))
    in_python, expected = timed(lambda: workers.starmap(twin.classify, part, 1))
    in_numpy, arrays = timed(lambda: twin.classify_arrays(*data[1:4], k))
    for block, same in zip(found, expected, strict=False):  # the first ones
        if block.tolist() != same:
            raise SystemExit("Go and Python found different labels")

    queries = len(data.queries)
    part_queries = sum(len(task[2]) for task in part)
    agreeing = np.mean(np.concatenate(found) == arrays)
    print(f"\nOne query with k = {k}, of {queries:,} (of {part_queries:,} in Python, equal):")
    print(f"  Go, GoPool             {in_go / queries * 1e6:8.1f} µs")
    print(f"  Python, Pool           {in_python / part_queries * 1e6:8.1f} µs")
    print(f"  numpy, all at once     {in_numpy / queries * 1e6:8.1f} µs ({agreeing:.1%} the same)")


def draw(ks: range, shares: list[float], data: Data, path: str) -> None:
    """Draw how many are right for each k, where matplotlib is installed."""
    try:
        pyplot = importlib.import_module("matplotlib.pyplot")
    except ModuleNotFoundError:
        print("\nmatplotlib is not installed: no plot.")
        return
    figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
    axes.plot(ks, shares, marker="o")
    axes.set(xlabel="k", ylabel="right", title=data.name)
    axes.yaxis.set_major_formatter("{x:.1%}")
    figure.savefig(path)
    print(f"\nThe plot is in {path}.")


def main() -> None:
    """Try one k after the other, then compare with Python, then draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, help="default: one per core")
    parser.add_argument("--made-up", type=int, default=0, help="as many points, and no digits")
    parser.add_argument("--plot", default="accuracy.svg", help="a file for the plot")
    options = parser.parse_args()

    data = load(options.made_up)
    print(f"{data.name}: {len(data.queries):,} queries, {len(data.points):,} points\n")
    ks = range(1, 30, 2)
    with gopool.GoPool(options.processes) as goroutines, gopool.Pool(options.processes) as workers:
        shares = accuracies(goroutines, data, ks)
        compare(goroutines, workers, data, 5)
    draw(ks, shares, data, options.plot)


if __name__ == "__main__":
    main()
