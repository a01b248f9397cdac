"""What a worker can only get by value, and what counts how often it is pickled."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from . import tasks
from .latches import Ledger


def make_module(name: str, source: str) -> types.ModuleType:
    """Make a module that no import statement finds."""
    module = types.ModuleType(name)
    exec(source, vars(module))
    return module


def make_counter() -> Callable[[], int]:
    """Make a closure with a state of its own."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return count

    return step


class Ballast:
    """Is noted each time it is pickled or unpickled, in the ledgers of those names."""

    def __init__(self, pickled: Ledger, unpickled: Ledger) -> None:
        self.pickled = pickled
        self.unpickled = unpickled

    def __getstate__(self) -> dict[str, Any]:
        self.pickled.write(0)
        return vars(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.unpickled.write(tasks.pid())

    def carried(self, number: int) -> int:
        return number


def carry(_: Ballast, number: int) -> int:
    return number
