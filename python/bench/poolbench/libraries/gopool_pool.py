"""``gopool.Pool`` and ``gopool.ThreadPool``."""

from __future__ import annotations

import multiprocessing
from typing import cast

import gopool
from poolbench.libraries.library import Pool


def open_pool(processes: int, method: str | None) -> Pool:
    return cast(Pool, gopool.Pool(processes, context=multiprocessing.get_context(method)))


def open_threads(threads: int) -> Pool:
    return cast(Pool, gopool.ThreadPool(threads))
