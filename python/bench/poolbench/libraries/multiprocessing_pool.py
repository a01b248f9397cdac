"""The standard library's ``multiprocessing.Pool`` and ``ThreadPool``: the reference."""

from __future__ import annotations

import multiprocessing
from typing import cast

from poolbench.libraries.library import Pool


def open_pool(processes: int, method: str | None) -> Pool:
    return cast(Pool, multiprocessing.get_context(method).Pool(processes))


def open_threads(threads: int) -> Pool:
    from multiprocessing.pool import ThreadPool  # not needed, and not paid for, by processes

    return cast(Pool, ThreadPool(threads))
