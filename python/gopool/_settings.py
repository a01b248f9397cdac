"""What all workers of a pool are told when they start."""

from __future__ import annotations

import operator
import os

from . import _current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Settings:
    """The arguments of a `Pool` that are its workers' business; see there.

    Raises TypeError, ValueError, ImportError or NotImplementedError for those that can't be met.
    """

    def __init__(
        self,
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
        finalizer: Callable[[], object] | None = None,
        max_memory: int | None = None,
        seed: int | None = None,
        threads: int | None = None,
    ) -> None:
        self.initializer = initializer
        self.initargs = initargs
        self.finalizer = finalizer
        self.max_memory = _number("max_memory_per_worker", max_memory, 1)
        self.seed = _number("seed", seed, 0)
        self.threads = _number("threads_per_worker", threads, 1)
        if max_memory is not None and not os.path.exists("/proc/self/statm"):
            raise NotImplementedError("max_memory_per_worker needs Linux's /proc")
        if threads is not None:
            from . import _thread_limits

            _thread_limits.require()

    def begin(self, index: int, generation: int) -> None:
        """Get the process ready for tasks. Raises what the initializer raises."""
        _current.enter_process(index)
        if self.threads is not None:
            from . import _thread_limits

            _thread_limits.limit(self.threads)
        if self.seed is not None:
            from . import _seeds

            _seeds.seed(self.seed, index, generation)
        if self.initializer is not None:
            self.initializer(*self.initargs)

    def end(self) -> None:
        """Run the finalizer. What it raises is printed, as of the exit functions of Python."""
        if self.finalizer is not None:
            try:
                self.finalizer()
            except Exception:
                import traceback

                traceback.print_exc()


def _number(name: str, value: int | None, least: int) -> int | None:
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an int or None, not {type(value).__name__}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, not {number}")
    return number
