"""An upper limit for large payloads: this process copies each once on its way in and once out.

There is no worker. Both copies go to memory that is there already, as new pages cost more
than copying does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from poolbench.libraries.library import Adapter, Pool

T = TypeVar("T")
R = TypeVar("R")


class MemcpyPool(Adapter):
    """Walk the results of calls with arrays, each valid until the next; nothing else."""

    library = "memcpy"

    def close(self) -> None:
        pass

    def map(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int | None = None
    ) -> list[R]:
        return [func(item) for item in iterable]  # warms up

    def imap(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int = 1
    ) -> Iterator[Any]:
        argument = result = None
        for item in iterable:
            if argument is None or argument.shape != item.shape:
                argument, result = item.copy(), item.copy()
            argument[...] = item
            result[...] = func(argument)
            yield result


def open_pool(processes: int, method: str | None) -> Pool:
    return MemcpyPool()
