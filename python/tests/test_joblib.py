"""joblib's `Parallel`, and so scikit-learn's `n_jobs`, on gopool."""

from __future__ import annotations

import operator
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import joblib_suite, tasks
from support.latches import Gate
from support.programs import Program

import gopool

joblib = pytest.importorskip("joblib")

from joblib import Parallel, delayed, parallel_config  # noqa: E402

pytestmark = pytest.mark.gopool_only("the backend is gopool's")


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Register the backend, and let no pool wait for the next test."""
    gopool.register_joblib()
    yield
    from gopool import _joblib_backend

    _joblib_backend._spare.end()
    joblib.parallel.BACKENDS.pop("gopool", None)


def environment(name: str) -> str | None:
    return os.environ.get(name)


def _is_loaded(module: str) -> bool:
    return module in sys.modules


def nested(count: int) -> list[int]:
    return list(Parallel(n_jobs=2)(delayed(operator.neg)(i) for i in range(count)))


@pytest.mark.parametrize("return_as", ["list", "generator", "generator_unordered"])
def test_results_are_those_of_the_calls(return_as: str) -> None:
    with parallel_config(backend="gopool", n_jobs=2):
        results = Parallel(return_as=return_as)(delayed(tasks.square)(i) for i in range(200))
        assert sorted(results) == [i * i for i in range(200)]


def test_the_workers_are_kept_for_the_next_call() -> None:
    with parallel_config(backend="gopool", n_jobs=2):
        calls = [{*Parallel()(delayed(os.getpid)() for _ in range(50))} for _ in range(3)]
    assert len(set.union(*calls)) <= 2
    assert os.getpid() not in set.union(*calls)


def test_but_not_for_another_number_of_workers() -> None:
    first, second = (
        {*Parallel(n_jobs=n, backend="gopool")(delayed(os.getpid)() for _ in range(50))}
        for n in (2, 3)
    )
    assert not first & second


def test_an_error_comes_back_at_once(gate: Gate) -> None:
    """The calls before it, which wait for ever, do not keep it."""
    calls = [delayed(Gate.wait)(gate), delayed(operator.truediv)(1, 0)]
    with pytest.raises(ZeroDivisionError):
        Parallel(n_jobs=2, backend="gopool", batch_size=1)(calls)


def test_a_lost_worker_is_an_error_and_the_next_call_works() -> None:
    parallel = Parallel(n_jobs=2, backend="gopool")
    with pytest.raises(gopool.WorkerLostError, match="SIGKILL"):
        parallel([delayed(signal.raise_signal)(signal.SIGKILL)] * 3)
    assert parallel(delayed(abs)(-i) for i in range(3)) == [0, 1, 2]


def test_a_time_limit(gate: Gate) -> None:
    with pytest.raises(gopool.TimeoutError):
        Parallel(n_jobs=2, backend="gopool", timeout=0.05)([delayed(Gate.wait)(gate)])


@pytest.mark.parametrize(("inner", "threads"), [(None, max(1, joblib.cpu_count() // 2)), (3, 3)])
def test_workers_share_the_cores(inner: int | None, threads: int) -> None:
    with parallel_config(backend="gopool", n_jobs=2, inner_max_num_threads=inner):
        (found,) = Parallel()([delayed(environment)("OMP_NUM_THREADS")])
    assert found == str(threads)


def test_nested_calls_run_in_threads_of_the_worker() -> None:
    with parallel_config(backend="gopool", n_jobs=2):
        assert Parallel()(delayed(nested)(3) for _ in range(2)) == [[0, -1, -2]] * 2


def test_in_a_worker_of_a_pool_it_says_that_it_cannot() -> None:
    with gopool.Pool(1) as pool:
        assert pool.apply(_refused) == [0, -1]


def _refused() -> list[int]:
    import warnings

    gopool.register_joblib()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = Parallel(n_jobs=2, backend="gopool")(delayed(operator.neg)(i) for i in range(2))
    assert "cannot run in a worker" in str(caught[0].message)
    return list(result)


def test_programs_need_no_guard(start_program: Callable[..., Program]) -> None:
    """Workers do not run the program; its functions and classes go to them by value, and back."""
    outcome = start_program(
        """
        import gopool
        from joblib import Parallel, delayed, parallel_config

        gopool.register_joblib()

        class Point:
            def __init__(self, x):
                self.x = x

        def double(point):
            return Point(2 * point.x)

        with parallel_config(backend="gopool", n_jobs=2):
            points = Parallel()(delayed(double)(Point(i)) for i in range(3))
        print([type(p) is Point and p.x for p in points])
        """
    ).outcome()
    assert (outcome.stdout, outcome.stderr, outcome.status) == ("[0, 2, 4]\n", "", 0)


def test_without_joblib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(ImportError, match=r"pip install 'gopool\[joblib\]'"):
        gopool.register_joblib()


def test_it_can_be_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joblib.parallel, "DEFAULT_BACKEND", "loky")
    gopool.register_joblib(make_default=True)
    assert Parallel(n_jobs=2)([delayed(_is_loaded)("gopool._worker")]) == [True]


def test_scikit_learn_gives_the_same_results_as_with_loky(
    start_program: Callable[..., Program],
) -> None:
    """In a process of its own: loky leaves its workers and its tracker of resources running."""
    outcome = start_program(
        """
        import gopool
        from joblib import parallel_config
        from sklearn.datasets import load_iris
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV, cross_val_score

        gopool.register_joblib()
        features, labels = load_iris(return_X_y=True)
        model = LogisticRegression(max_iter=200)
        for backend in ("loky", "gopool"):
            with parallel_config(backend=backend, n_jobs=2):
                search = GridSearchCV(model, {"C": [0.01, 0.1, 1.0]}, cv=3).fit(features, labels)
                scores = cross_val_score(model, features, labels, cv=4)
            print(search.best_params_, search.cv_results_["mean_test_score"], scores)
        """
    ).outcome()
    assert (outcome.stderr, outcome.status) == ("", 0)
    with_loky, with_gopool = outcome.stdout.splitlines()
    assert with_gopool == with_loky
    assert "{'C': " in with_loky


@pytest.mark.skipif(not joblib_suite.is_installed(), reason="joblib came without its tests")
def test_joblibs_own_tests_pass(tmp_path: Path) -> None:
    """Those that take a moment; `make conformance` runs all."""
    quick = "parallel_timeout or nested_loop or njobs or exception_dispatch or statistics_reset"
    outcomes = joblib_suite.run(tmp_path, f"gopool and ({quick})", 100)
    assert len(outcomes) > 10
    assert set(outcomes.values()) <= {"passed", "skipped"}, outcomes
