"""loky's ``ProcessPoolExecutor``.

Not its reusable executor: that one is never left, so there would be nothing to start or to end.
While it lives, it is the same executor.
"""

from __future__ import annotations

from concurrent.futures import Executor

from loky import ProcessPoolExecutor
from loky.backend.context import get_context

from poolbench.libraries.futures import ExecutorPool
from poolbench.libraries.library import CannotMeasure, Pool


class _LokyPool(ExecutorPool):
    library = "loky"

    def close(self) -> None:
        self._executor.shutdown(wait=True)

    def terminate(self) -> None:
        self._executor.shutdown(wait=True, kill_workers=True)


def open_pool(processes: int, method: str | None) -> Pool:
    if method in ("fork", "forkserver"):
        raise CannotMeasure(f"loky starts workers by its own method or spawn, not by {method}")
    return _LokyPool(ProcessPoolExecutor(processes, context=get_context(method or "loky")))


def open_executor(processes: int) -> Executor:
    return ProcessPoolExecutor(processes)
