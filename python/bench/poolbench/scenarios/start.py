"""Start-up: from constructing a pool to its first result, for each start method."""

from __future__ import annotations

import statistics
import time
from functools import partial

from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

METHODS = ("fork", "forkserver", "spawn")
WORKERS = (2, 8)
ONE_OFF = Line("one-off", "ms", "lower", compare="difference", target=Target("at most", 30))


def measure_start(library: Library, size: int, *, method: str, workers: int) -> Figures:
    """Construct a pool and wait for the result of one ``apply`` of a no-op.

    Once for the first pool of a fresh interpreter, and then for several more in the same one
    (their median). Later pools show the cost of starting workers, and carry the target. What the
    first one costs on top is paid once per program: modules imported, the fork server started, and
    in gopool the extension loaded. The difference of that one-off cost between the libraries is
    therefore what loading the extension costs the user, net of what overlaps with starting workers.
    """
    first, *later = [_time_to_first_result(library, method, workers) for _ in range(1 + size)]
    usual = statistics.median(later)
    return {"later pool": usual * 1e3, "first pool": first * 1e3, "one-off": (first - usual) * 1e3}


def _time_to_first_result(library: Library, method: str, workers: int) -> float:
    start = time.perf_counter()
    with library.open(workers, method) as pool:
        result = pool.apply(noop, (1,))
        elapsed = time.perf_counter() - start
    check(result == 1, "apply of a no-op")
    return elapsed


for _method in METHODS:
    for _workers in WORKERS:
        _measure = partial(measure_start, method=_method, workers=_workers)
        _measure.__doc__ = measure_start.__doc__
        scenario(
            f"start-{_method}-{_workers}",
            Line("later pool", "ms", "lower", target=Target("at most", 1.1)),
            Line("first pool", "ms", "lower"),
            # Eight workers on few cores are too noisy to find a difference of this size in.
            *([ONE_OFF] if _workers == 2 else []),
            size=3,
            quick_size=1,
        )(_measure)
