"""Owners whose workers are sent what they are to do: encoded, by way of Go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from . import _call, _map, _submission
from ._feed import EncodedFeed
from ._owner import Owner

if TYPE_CHECKING:
    from ._coder import Coder
    from ._results import AsyncResult, MapResult
    from .pool import Pool

R = TypeVar("R")


class Sender(Owner):
    """What processes and goroutines as workers have in common."""

    coder: Coder

    def call(
        self, pool: Pool, func: Callable[..., R], args: Iterable[Any], kwds: Mapping[str, Any]
    ) -> R:
        return _call.call(pool, self, func, args, kwds)

    def submit_call(
        self,
        result: AsyncResult[Any],
        func: Callable[..., object],
        args: Iterable[Any],
        kwds: Mapping[str, Any],
    ) -> None:
        _submission.submit_call(self, result, func, args, kwds)

    def submit_items(
        self,
        result: MapResult[Any],
        func: Callable[..., object],
        items: Any,
        convention: int,
        chunk: int,
    ) -> None:
        _map.submit_items(self, result, func, items, convention, chunk)

    def new_feed(self, func: Callable[..., object], once: bool) -> EncodedFeed:
        return EncodedFeed(self, func, once=once)
