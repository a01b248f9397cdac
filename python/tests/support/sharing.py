"""Functions that tests run in workers with shared values, and with functions that carry much."""

from __future__ import annotations

import os
from typing import Any

from gopool import _shared

from .large import array
from .latches import Gate, Mailbox


def first_and_sum(reference: Any) -> tuple[int, int]:
    value = reference.get()
    return int(value[0]), int(value.sum())


def is_read_only(reference: Any) -> bool:
    return not reference.get().flags.writeable


def write(reference: Any) -> None:
    reference.get()[0] = 1


_seen: list[Any] = []


def is_the_same_as_before(reference: Any) -> bool:
    """Tell whether `get` has always returned the same object in this worker."""
    _seen.append(reference.get())
    return all(value is _seen[0] for value in _seen)


def of_pair(pair: tuple[int, Any]) -> int:
    return pair[0] + int(pair[1].get()[0])


def with_reference(reference: Any, number: int) -> int:
    return int(reference.get()[0]) + number


def give_back(reference: Any) -> Any:
    return reference


def share_in_a_task(value: Any) -> Any:
    return _shared.shared(value)


initial: Any = None


def initialize(reference: Any) -> None:
    global initial
    initial = reference


def first_of_initial(_: object = None) -> int:
    return int(initial.get()[0])


def first_of_each(reference: Any) -> list[int]:
    return [int(array[0]) for array in reference.get()]


_kept: list[Any] = []


def share_and_keep(first: int) -> int:
    """Share an array as long as the worker lives. Return in which slab it is."""
    _kept.append(_shared.shared(array(first)))
    slab: int = _kept[-1].slab
    return slab


def private_dirty(_: object = None) -> int:
    """Return how many bytes of what is mapped of regions this process has copies of."""
    total = 0
    with open(f"/proc/{os.getpid()}/smaps") as smaps:
        ours = False
        for line in smaps:
            fields = line.split()
            if not fields[0].endswith(":"):
                ours = "memfd:gopool" in line
            elif ours and fields[0] == "Anonymous:":
                total += int(fields[1]) << 10
    return total


# Functions that carry an array.


def add_first_and_write(carried: Any, number: int) -> int:
    """Add the number to what the first element was, and leave the number there."""
    before = int(carried[0])
    carried[0] = number % 100
    return before


def last_of(carried: Any, number: int) -> int:
    return int(carried[-1]) + number


def arrive_with(carried: Any, latches: tuple[Mailbox, Gate]) -> int:
    mailbox, gate = latches
    mailbox.send(os.getpid())
    gate.wait()
    return int(carried[-1])


def first_of_inner(outer: Any) -> float:
    return float(outer.get()[0].get()[0])
