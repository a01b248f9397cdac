"""The contexts of `multiprocessing`, with gopool's pool."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from multiprocessing import context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pool import Pool


class GopoolContext(context.BaseContext):
    """What the contexts of this module have in common: their pool, and each other."""

    def Pool(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
    ) -> Pool:
        """Return a `gopool.Pool` whose workers are started by this context's method."""
        from .pool import Pool

        return Pool(processes, initializer, initargs, maxtasksperchild, context=self)

    def get_context(self, method: str | None = None) -> GopoolContext:  # type: ignore[override]
        """Return this context, or that of another method."""
        return self if method is None else get_context(method)


class ForkContext(GopoolContext, context.ForkContext):
    """`multiprocessing.get_context("fork")`, with gopool's pool."""


class SpawnContext(GopoolContext, context.SpawnContext):
    """`multiprocessing.get_context("spawn")`, with gopool's pool."""


class ForkServerContext(GopoolContext, context.ForkServerContext):
    """`multiprocessing.get_context("forkserver")`, with gopool's pool."""


_contexts: dict[str, GopoolContext] = {
    "fork": ForkContext(),
    "spawn": SpawnContext(),
    "forkserver": ForkServerContext(),
}


def get_context(method: str | None = None) -> GopoolContext:
    """Return the context of a start method, as `multiprocessing.get_context`, with gopool's pool.

    By default that of `multiprocessing.get_start_method()`, which is fixed by the
    call. Raises ValueError for a method that there is not.
    """
    return _contexts[multiprocessing.get_context(method).get_start_method()]
