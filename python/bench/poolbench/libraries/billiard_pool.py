"""``billiard.Pool``, Celery's descendant of ``multiprocessing.Pool``, with the same methods."""

from __future__ import annotations

from typing import cast

import billiard

from poolbench.libraries.library import Pool


def open_pool(processes: int, method: str | None) -> Pool:
    return cast(Pool, billiard.get_context(method).Pool(processes))


def open_threads(threads: int) -> Pool:
    from billiard.pool import ThreadPool

    return cast(Pool, ThreadPool(threads))
