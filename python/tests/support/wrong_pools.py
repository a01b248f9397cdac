"""Pools that are wrong in one way each, to see that the contract tests notice."""

from __future__ import annotations

import copy
import multiprocessing
import multiprocessing.pool
import threading
import time
from typing import Any

LATENESS = 1.0
"""Seconds by which a pool answers too late."""


class _Standard(multiprocessing.pool.Pool):
    """What they have in common: they can be ended, whatever a failed test left of them."""

    made: list[_Standard] = []  # noqa: RUF012 - one for all

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.made.append(self)

    @classmethod
    def end_all(cls) -> None:
        """End what was made."""
        while cls.made:
            pool = cls.made.pop()
            multiprocessing.pool.Pool.terminate(pool)
            multiprocessing.pool.Pool.join(pool)


class ClosesOnLeaving(_Standard):
    """Leaving its block lets the workers go on."""

    def __exit__(self, *_: object) -> None:
        self.close()


class JoinsWhileRunning(_Standard):
    """``join`` asks for nothing, and closes the pool itself."""

    def join(self) -> None:
        self.close()
        super().join()


class HasOneWorker(_Standard):
    """However many are asked for."""

    def __init__(self, processes: int | None = None, *arguments: Any, **options: Any) -> None:
        super().__init__(1, *arguments, **options)


class AlwaysForks(_Standard):
    """Whatever the context and the default say."""

    def __init__(self, *arguments: Any, context: object = None, **options: Any) -> None:
        super().__init__(*arguments, context=multiprocessing.get_context("fork"), **options)


class ChangesResults(_Standard):
    """Has results and iterators of other classes; by itself, of none, and then nothing is wrong."""

    result: Any = None
    iterator: Any = None

    def _changed(self, thing: Any, cls: Any) -> Any:
        if cls is not None:  # a class that is derived from the thing's own, and adds methods
            thing.__class__ = type(cls.__name__, (cls, type(thing)), {})
        return thing

    def apply_async(self, *arguments: Any, **options: Any) -> Any:
        return self._changed(super().apply_async(*arguments, **options), self.result)

    def map_async(self, *arguments: Any, **options: Any) -> Any:
        return self._changed(super().map_async(*arguments, **options), self.result)

    def starmap_async(self, *arguments: Any, **options: Any) -> Any:
        return self._changed(super().starmap_async(*arguments, **options), self.result)

    def imap(self, *arguments: Any, **options: Any) -> Any:
        return self._changed(super().imap(*arguments, **options), self.iterator)

    def imap_unordered(self, *arguments: Any, **options: Any) -> Any:
        return self._changed(super().imap_unordered(*arguments, **options), self.iterator)


class GetsCopies(ChangesResults):
    """Each ``get`` gives, or raises, another object."""

    class result:
        def get(self, timeout: float | None = None) -> Any:
            try:
                return copy.copy(super().get(timeout))  # type: ignore[misc]
            except ValueError as error:
                raise copy.copy(error) from None


class ForgetsWhatItGave(ChangesResults):
    """The second ``get`` gives None."""

    class result:
        def get(self: Any, timeout: float | None = None) -> Any:
            if vars(self).setdefault("asked", 0):
                return None
            self.asked = 1
            return super().get(timeout)  # type: ignore[misc]


class SuccessfulTooEarly(ChangesResults):
    """``successful`` is False as long as nothing is known."""

    class result:
        def successful(self: Any) -> bool:
            return bool(self.ready() and super().successful())  # type: ignore[misc]


class OverlooksTimeouts(ChangesResults):
    """``get`` and ``next`` wait as long as it takes."""

    class result:
        def get(self, timeout: float | None = None) -> Any:
            return super().get()  # type: ignore[misc]

        def wait(self, timeout: float | None = None) -> None:
            super().wait()  # type: ignore[misc]

    class iterator:
        def next(self, timeout: float | None = None) -> Any:
            return super().next()  # type: ignore[misc]

        __next__ = next


def _be_late() -> None:
    """Answer when a test that waits for less knows that this is late."""
    time.sleep(LATENESS)
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer) and thread.interval < LATENESS:
            thread.join()  # where the machine stood still, it is due and need not have run


class IsLate(ChangesResults):
    """``get``, ``wait`` and ``next`` keep a timeout, and answer a second later."""

    class result:
        def wait(self, timeout: float | None = None) -> None:
            super().wait(timeout)  # type: ignore[misc]
            if timeout is not None:
                _be_late()

    class iterator:
        def next(self, timeout: float | None = None) -> Any:
            try:
                return super().next(timeout)  # type: ignore[misc]
            finally:
                if timeout is not None:
                    _be_late()

        __next__ = next
