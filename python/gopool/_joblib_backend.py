"""The backend "gopool" of joblib, on which scikit-learn's `n_jobs` runs.

joblib makes a backend for each `Parallel`, uses it for one call or for those in a `with`
block, and says when it starts and when it is done with the workers. Starting them
takes longer than most calls, so a pool that is not in use waits for the next one.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import threading
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import joblib
from joblib.parallel import (
    AutoBatchingMixin,
    FallbackToBackend,
    ParallelBackendBase,
    SequentialBackend,
)

from ._without_main import WithoutMainContext
from .pool import Pool

#: What a pool was made for: workers, their environment, and what initializes them.
_Kind = tuple[int, dict[str, str], Callable[..., object] | None, tuple[Any, ...]]


class _Spare:
    """The pool that was used last, if nobody uses it now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[_Kind, Pool] | None = None

    def take(self, kind: _Kind) -> Pool:
        """Return a pool of a kind, which is the caller's until it is put back or terminated."""
        kept = self._swap(None)
        if kept is not None:
            if kept[0] == kind:
                return kept[1]
            kept[1].terminate()
        workers, environment, initializer, initargs = kind
        return Pool(
            workers, _start, (environment, initializer, initargs), context=WithoutMainContext()
        )

    def put(self, kind: _Kind, pool: Pool) -> None:
        """Keep a pool for the next who wants one like it."""
        self.end((kind, pool))

    def end(self, successor: tuple[_Kind, Pool] | None = None) -> None:
        """End the pool that is kept, and keep another or none."""
        kept = self._swap(successor)
        if kept is not None:
            kept[1].terminate()

    def _swap(self, pool: tuple[_Kind, Pool] | None) -> tuple[_Kind, Pool] | None:
        with self._lock:
            kept, self._kept = self._kept, pool
        return kept

    def forget(self) -> None:
        """In a forked child: the pool is the parent's."""
        self.__init__()  # type: ignore[misc]


_spare = _Spare()
os.register_at_fork(after_in_child=_spare.forget)
atexit.register(_spare.end)


class GopoolBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]
    """Runs the batches of a `joblib.Parallel` in the workers of a `gopool.Pool`.

    Workers are started by spawn and do not run the program's file, as loky's. Functions
    and classes of `__main__` are sent by value. Each worker's share of the cores is what
    BLAS and OpenMP may use there, or `inner_max_num_threads`.
    """

    supports_return_generator = True
    supports_timeout = True
    supports_inner_max_num_threads = True

    # A batch has to hide less than loky's (0.2 s), so that fewer wait for a last large one.
    MIN_IDEAL_BATCH_DURATION = 0.02

    _pool: Pool | None = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._changed = threading.Condition()
        self._failure: BaseException | None = None  # of the first batch that failed

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many workers `n_jobs` of `Parallel` stands for. Raises ValueError for 0."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None:
            return 1
        obstacle = None
        if multiprocessing.current_process().daemon:
            obstacle = "a worker of a pool"
        elif not (self.in_main_thread() or self.nesting_level == 0):
            obstacle = "a thread of another one"
        if obstacle is not None:
            if n_jobs != 1:
                message = f"gopool-backed parallel loops cannot run in {obstacle}, setting n_jobs=1"
                warnings.warn(message, stacklevel=3)
            return 1
        return int(n_jobs) if n_jobs > 0 else max(joblib.cpu_count() + 1 + n_jobs, 1)

    def configure(
        self,
        n_jobs: int = 1,
        parallel: Any = None,
        prefer: str | None = None,
        require: str | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        **_memmapping: Any,
    ) -> int:
        """Get workers, and return how many. What is about memory maps is not needed here."""
        n_jobs = self.effective_n_jobs(n_jobs)
        if n_jobs == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        initializer = self.backend_kwargs.get("initializer", initializer)
        initargs = tuple(self.backend_kwargs.get("initargs", initargs))
        environment = self._prepare_worker_env(n_jobs=n_jobs)
        self._kind: _Kind = (n_jobs, environment, initializer, initargs)
        self._pool = _spare.take(self._kind)
        self._failure = None
        self.parallel = parallel
        # Who wants results as they come gets them by the callback. Where all are wanted,
        # joblib would look every 10 ms for what came so; it waits in `retrieve_result` instead.
        self.supports_retrieve_callback = parallel.return_generator
        return n_jobs

    def submit(
        self, func: Callable[[], Any], callback: Callable[[Any], object] | None = None
    ) -> _Batch:
        """Have a batch run, and return its future. `callback` is called with it when it is done."""
        if self._pool is None:
            raise RuntimeError("the workers were given back: the Parallel was left or aborted")
        batch = _Batch(self, callback)
        self._pool.apply_async(func, callback=batch.succeed, error_callback=batch.fail)
        return batch

    def retrieve_result_callback(self, out: _Batch) -> Any:
        """Return what a batch returned, or raise what it raised."""
        return out.result()

    def retrieve_result(self, out: _Batch, timeout: float | None = None) -> Any:
        """Wait for a batch and return what it returned, or raise what the first that failed raised.

        That may be another one: joblib asks in the order of the input, and an error is
        not to wait for what comes before it. Raises `multiprocessing.TimeoutError`
        after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: out.done or self._failure, timeout):
                raise multiprocessing.TimeoutError
        if self._failure is not None:
            raise self._failure
        return out.result()

    def terminate(self) -> None:
        """Give the workers back: `Parallel` has no further use for them."""
        pool, self._pool = self._pool, None
        if pool is not None:
            _spare.put(self._kind, pool)
        self.reset_batch_stats()

    def note(self, failure: BaseException | None) -> None:
        """Tell who waits in `retrieve_result` that a batch is done, and how if it failed."""
        with self._changed:
            self._failure = self._failure or failure
            self._changed.notify_all()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End the workers, whatever they do, and get others if they will be needed."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()
        if ensure_ready:
            self.configure(
                n_jobs=self.parallel.n_jobs,
                parallel=self.parallel,
                **self.parallel._backend_kwargs,
            )


class _Batch:
    """The future of a batch: what `Parallel` keeps of it, and its callback is called with."""

    def __init__(self, backend: GopoolBackend, callback: Callable[[_Batch], object] | None) -> None:
        self._backend = backend
        self._callback = callback
        self._value: Any = None
        self._error: BaseException | None = None
        self.done = False

    def succeed(self, value: Any) -> None:
        self._value = value
        self._finish()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._finish()

    def _finish(self) -> None:
        self.done = True
        self._backend.note(self._error)
        if self._callback is not None:
            self._callback(self)

    def result(self) -> Any:
        """Return what the batch returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._value


def _start(
    environment: dict[str, str],
    initializer: Callable[..., object] | None,
    initargs: tuple[Any, ...],
) -> None:
    os.environ.update(environment)  # before anything is loaded that looks at it
    if initializer is not None:
        initializer(*initargs)
