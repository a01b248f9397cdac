"""What it costs to be told what a pool does: a progress bar, a timeline."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from poolbench.libraries.library import CannotMeasure, Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2
ROUNDS = 15

Run = Callable[[], list[int]]


def _costs(limit: float) -> Line:
    return Line("cost", "%", "lower", compare="value", target=Target("at most", limit))


@scenario("progress", _costs(3), size=1_000_000, quick_size=200_000, peer_size=0)
def progress(library: Library, size: int) -> Figures:
    """Map a no-op with a bar of tqdm's and without one, in turn; ``chunksize=1``, 2 workers.

    Reported is how much longer the ``map`` takes with the bar, which is written to a file that
    keeps nothing: medians of 15 runs each. To make the bar and to close it, which takes about a
    millisecond, is part of it.
    """
    with library.open_warm(WORKERS) as pool, open(os.devnull, "w") as file:
        options: dict[str, Any] = {"progress": {"file": file}}
        _require(lambda: pool.map(noop, range(2), 1, **options), "has no progress bar")
        return _cost(
            lambda: pool.map(noop, range(size), 1),
            lambda: pool.map(noop, range(size), 1, **options),
            size,
        )


@scenario("progress-imap", _costs(3), size=100_000, quick_size=20_000, peer_size=0)
def progress_imap(library: Library, size: int) -> Figures:
    """Walk ``imap`` in the same way."""
    with library.open_warm(WORKERS) as pool, open(os.devnull, "w") as file:
        options: dict[str, Any] = {"progress": {"file": file}}
        _require(lambda: list(pool.imap(noop, range(2), 1, **options)), "has no progress bar")
        return _cost(
            lambda: list(pool.imap(noop, range(size), 1)),
            lambda: list(pool.imap(noop, range(size), 1, **options)),
            size,
        )


@scenario("traced", _costs(5), size=1_000_000, quick_size=200_000, peer_size=0)
def traced(library: Library, size: int) -> Figures:
    """Map a no-op while a timeline is written and while none is, in turn; otherwise the same.

    To begin a timeline and to end it, which takes about a millisecond, is part of it.
    """
    with library.open_warm(WORKERS) as pool, tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "trace.json")
        traceable: Any = pool
        _require(lambda: traceable.trace(path).stop(), "has no timeline")

        def run() -> list[int]:
            with traceable.trace(path):
                return pool.map(noop, range(size), 1)

        return _cost(lambda: pool.map(noop, range(size), 1), run, size)


def _require(attempt: Callable[[], object], reason: str) -> None:
    """Refuse a library that lacks what is to be measured."""
    try:
        attempt()
    except (AttributeError, TypeError):
        raise CannotMeasure(reason) from None


def _cost(plain: Run, followed: Run, size: int) -> Figures:
    """Run both in turn, and return by how much the second takes longer, in percent."""
    times: dict[Run, list[float]] = {plain: [], followed: []}
    for number in range(2 * ROUNDS):
        run = (plain, followed)[(number + number // 2) % 2]  # a, b, b, a, ...
        start = time.perf_counter()
        results = run()
        times[run].append(time.perf_counter() - start)
        check(results == list(range(size)), "map of a no-op")
    return {
        "cost": 100 * (statistics.median(times[followed]) / statistics.median(times[plain]) - 1)
    }
