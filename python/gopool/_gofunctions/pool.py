"""`GoPool`: a pool of goroutines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._owner import Owner
from ..pool import Pool
from .function import GoFunction
from .goroutines import Goroutines


class GoPool(Pool):
    """A pool of goroutines of this process, which run functions of Go packages.

    processes
        how many calls run at a time; by default one for each CPU that this process may use.
    task_timeout, max_pending
        keywords, as of `Pool`.

    Has the methods of `Pool`. Functions are those of packages that `gopool build` has made;
    TypeError for any other. Leaving the `with` block terminates the pool. Raises ValueError or
    TypeError for arguments that make no sense.

    A goroutine can't be killed. Where a `Pool` would kill a worker, for a time limit or because a
    call is cancelled with `running=True`, the context of the call is cancelled, its outcome
    is that of a killed one, and another goroutine takes the place of that which may run on.
    """

    def __init__(
        self,
        processes: int | None = None,
        *,
        task_timeout: float | None = None,
        max_pending: int | None = None,
    ) -> None:
        self._set_size(processes)
        self._set_limits(task_timeout, max_pending)
        self._start(lambda: Goroutines(self._processes, self._max_pending))

    def terminate(self) -> None:
        """Stop all work. Outstanding results raise `PoolTerminatedError`.

        The contexts of calls that run are cancelled. Blocks until they have returned, and a
        callback that is running; calls that do not return within 0.2 s are given up, with a
        RuntimeWarning, and run on.
        """
        super().terminate()

    def _owner(self, func: Callable[..., Any]) -> Owner:
        if type(func) is not GoFunction:
            raise TypeError(
                f"a GoPool runs functions of Go packages, and not {func!r}: "
                "use gopool.Pool or gopool.ThreadPool"
            )
        return self._supervisor
