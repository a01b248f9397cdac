"""``gopool.Pool``, ``ThreadPool``, ``GoPool`` and ``PoolExecutor``."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor
from typing import cast

import gopool
from poolbench.libraries.library import Pool


def open_pool(processes: int, method: str | None) -> Pool:
    return cast(Pool, gopool.Pool(processes, context=multiprocessing.get_context(method)))


def open_threads(threads: int) -> Pool:
    return cast(Pool, gopool.ThreadPool(threads))


def open_goroutines(goroutines: int) -> Pool:
    return cast(Pool, gopool.GoPool(goroutines))


def open_executor(processes: int) -> Executor:
    return gopool.PoolExecutor(processes)


def joblib_backend() -> str:
    gopool.register_joblib()
    return "gopool"
