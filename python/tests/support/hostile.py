"""Objects that go wrong on their way between processes."""

from __future__ import annotations

import builtins
import importlib
import os
import threading
from typing import Any, NoReturn

from .latches import Mailbox
from .tasks import fail


def refuse(message: str) -> NoReturn:
    raise ValueError(message)


def rebuild_or_exit(origin: int, code: int) -> str:
    """Rebuild in the process of origin; end every other at once."""
    if os.getpid() != origin:
        os._exit(code)
    return "rebuilt at home"


class RefusesToBeRebuilt:
    """Can be pickled, but raises ValueError when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return refuse, ("refuses to be rebuilt",)


class RefusesToBePickled:
    """Raises ValueError when it is pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        raise ValueError("refuses to be pickled")


class NamesAMissingModule:
    """A callable whose pickle names a module that is nowhere."""

    def __call__(self, _: object = None) -> None:
        return None

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, ("a_module_that_is_nowhere",)


class KillsWhoRebuildsIt:
    """Ends each other process that unpickles it."""

    def __init__(self, code: int) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild_or_exit, (os.getpid(), self.code)


class Interruption(BaseException):
    """An exception that ``except Exception`` does not catch."""


class RaisesWhenRebuilt:
    """Raises an exception when it is unpickled."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> tuple[Any, ...]:
        return fail, (self.error,)


class RaisesWhenPickled:
    """Raises an exception when it is pickled."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> tuple[Any, ...]:
        raise self.error


class ErrorThatRaisesWhenRebuilt(RaisesWhenRebuilt, Exception):
    """The same as an exception of a task."""


class ErrorThatRaisesWhenPickled(RaisesWhenPickled, Exception):
    """The same as an exception of a task."""


class CannotBeShown(Exception):
    """Can neither be pickled nor shown."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("can't be pickled")

    def __repr__(self) -> str:
        raise self.error

    __str__ = __repr__


def rebuild_for_ever(mailbox: Mailbox) -> NoReturn:
    mailbox.send(os.getpid())
    while True:
        pass


class LoopsInWhoRebuildsIt:
    """Keeps who unpickles it busy for ever, after it has told the test."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild_for_ever, (self.mailbox,)


class LoopsInWhoPicklesIt(Exception):
    """Keeps who pickles it busy for ever, after it has told the test."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild_for_ever(self.mailbox)


class KillsWhoPicklesIt(Exception):
    """Ends the worker that tries to send it."""

    def __init__(self, home: int, code: int) -> None:
        self.home = home
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        if os.getpid() != self.home:
            os._exit(self.code)
        return KillsWhoPicklesIt, (self.home, self.code)


class HoldsALock(Exception):
    """An exception that cannot be pickled."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.lock = threading.Lock()


class NeedsTwoArguments(Exception):
    """An exception that can be pickled but not unpickled: it forgets what it was made from."""

    def __init__(self, first: object, second: object) -> None:
        super().__init__()
        self.both = (first, second)


class LiesAboutItsLength:
    """Says that it has three items, and raises at the second."""

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Any:
        yield 1
        raise KeyError("second item")


# Functions that run in workers and meet the objects above.


def return_a_lock(_: object = None) -> Any:
    return threading.Lock()


def return_a_lambda(_: object = None) -> Any:
    return lambda: None


def return_what_refuses_pickling(_: object = None) -> RefusesToBePickled:
    return RefusesToBePickled()


def return_what_refuses_rebuilding(_: object = None) -> RefusesToBeRebuilt:
    return RefusesToBeRebuilt()


def refuse_rebuilding_at(bad: int, value: int) -> Any:
    return RefusesToBeRebuilt() if value == bad else value


def return_a_lock_at(bad: int, value: int) -> Any:
    return threading.Lock() if value == bad else value


def return_what_kills_at(home: int, bad: int, code: int, value: int) -> Any:
    return KillsWhoPicklesIt(home, code) if value == bad else value


def raise_with_a_lock(_: object = None) -> NoReturn:
    raise HoldsALock("holds a lock")


def raise_with_forgotten_arguments(_: object = None) -> NoReturn:
    raise NeedsTwoArguments("one", "two")


def return_made_by(make: Any, *arguments: object) -> Any:
    return make(*arguments)


def raise_made_by(make: Any, *arguments: object) -> NoReturn:
    raise make(*arguments)


def return_a_deep_list(depth: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    return nested


def raise_a_deep_group(depth: int) -> NoReturn:
    error: Exception = ValueError("the innermost")
    for _ in range(depth):
        error = vars(builtins)["ExceptionGroup"]("a group", [error])  # not in Python 3.10
    raise error


class HasNoRepresentation:
    """An object that can neither be pickled nor shown."""

    def __reduce__(self) -> tuple[Any, ...]:
        return refuse("no pickle")

    def __repr__(self) -> str:
        return refuse("no representation")


def return_what_has_no_representation() -> HasNoRepresentation:
    return HasNoRepresentation()


def return_what_is_deep(depth: int = 100_000) -> Any:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def raise_what_is_deep() -> NoReturn:
    raise ValueError(return_what_is_deep())
