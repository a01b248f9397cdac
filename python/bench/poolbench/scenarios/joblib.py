"""``joblib.Parallel`` and what runs on it, on gopool's backend, beside loky's."""

from __future__ import annotations

import time
from collections.abc import Callable

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


def _not_slower() -> Line:
    return Line("time", "s", "lower", against=JOBLIB, target=Target("at most", 1))


@scenario("grid-search", _not_slower(), size=12, quick_size=4, peer_size=12)
def grid_search(library: Library, size: int) -> Figures:
    """Run scikit-learn's ``GridSearchCV`` over so many settings of a model, 2 workers."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    data, digits = load_digits(return_X_y=True)
    settings = {"C": [0.001 * 2**n for n in range(size)]}
    model = LogisticRegression(max_iter=100, tol=0.01)
    search = GridSearchCV(model, settings, cv=3, n_jobs=WORKERS)
    return _timed(library, lambda: search.fit(data / 16, digits).best_score_ > 0.8)


@scenario("cross-validation", _not_slower(), size=60, quick_size=20, peer_size=60)
def cross_validation(library: Library, size: int) -> Figures:
    """Run scikit-learn's ``cross_val_score`` of a small model in so many parts, 2 workers."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import cross_val_score
    from sklearn.naive_bayes import GaussianNB

    data, digits = load_digits(return_X_y=True)
    return _timed(
        library,
        lambda: cross_val_score(GaussianNB(), data, digits, cv=size, n_jobs=WORKERS).mean() > 0.7,
    )


def _timed(library: Library, is_good: Callable[[], bool]) -> Figures:
    """Time a second run: the first starts the workers, and loads scikit-learn in them."""
    from joblib import parallel_config

    with parallel_config(backend=library.joblib_backend()):
        is_good()
        start = time.perf_counter()
        good = is_good()
        elapsed = time.perf_counter() - start
    check(good, "a search of scikit-learn's")
    return {"time": elapsed}
