"""The standard library's ``ProcessPoolExecutor`` and ``ThreadPoolExecutor``."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from poolbench.libraries.futures import ExecutorPool
from poolbench.libraries.library import Pool


class _ExecutorPool(ExecutorPool):
    library = "concurrent.futures"


def open_pool(processes: int, method: str | None) -> Pool:
    context = multiprocessing.get_context(method)
    return _ExecutorPool(ProcessPoolExecutor(processes, mp_context=context))


def open_threads(threads: int) -> Pool:
    return _ExecutorPool(ThreadPoolExecutor(threads))


def open_executor(processes: int) -> Executor:
    return ProcessPoolExecutor(processes)
