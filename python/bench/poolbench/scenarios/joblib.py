"""``joblib.Parallel`` on gopool's backend, beside loky's."""

from __future__ import annotations

import time

from poolbench.libraries import JOBLIB
from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2


def line() -> Line:
    return Line("throughput", "tasks/s", "higher", against=JOBLIB, target=Target("at least", 2))


def throughput(library: Library, size: int, batch_size: int | str) -> Figures:
    """Run no-ops in workers that are there, as they are at a program's second ``Parallel``."""
    backend = library.joblib_backend()
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=WORKERS, backend=backend, batch_size=batch_size)
    parallel(delayed(noop)(number) for number in range(WORKERS))
    start = time.perf_counter()
    results = parallel(delayed(noop)(number) for number in range(size))
    elapsed = time.perf_counter() - start
    check(results == list(range(size)), "Parallel of a no-op")
    return {"throughput": size / elapsed}


@scenario("joblib-auto", line(), size=10_000, quick_size=2_000, peer_size=10_000)
def joblib_auto(library: Library, size: int) -> Figures:
    """Run a ``joblib.Parallel`` of no-ops, in batches that joblib sizes, 2 workers."""
    return throughput(library, size, "auto")


@scenario("joblib-single", line(), size=10_000, quick_size=2_000, peer_size=10_000)
def joblib_single(library: Library, size: int) -> Figures:
    """Run a ``joblib.Parallel`` of no-ops, each a batch of its own, 2 workers."""
    return throughput(library, size, 1)
