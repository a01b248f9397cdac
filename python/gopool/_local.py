"""From calls to jobs whose tasks run in threads of this process: nothing is encoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import _core
from ._results import AsyncResult
from ._threads import Crew, Work


def submit(
    crew: Crew,
    result: AsyncResult[Any],
    func: Callable[..., object],
    items: Sequence[Any],
    convention: int,
    *,
    chunk: int = 1,
    wait: int = 0,
) -> None:
    """Start the job of a call with each item. Raises if the pool refuses it.

    Waits up to `wait` ms for the outcome, if there is one item.
    """
    result._job = job = _core.new_number()
    result._left = len(items)
    flags = _core.SEALED | _core.LOCAL
    if result._told is not None:
        flags |= _core.NOTIFY
        crew.expect(job, result)
    crew.jobs[job] = Work(func, convention, items, result._kept)
    status = _core.native.bridge_Submit(
        crew.pool, job, 0, 0, convention, 0, len(items), chunk, flags, wait
    )
    if status < 0:
        result._left = 0
        crew.jobs.pop(job, None)
        crew.unexpect(job)
        raise crew.error(status)
