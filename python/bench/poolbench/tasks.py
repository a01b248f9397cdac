"""The functions that workers run: importable by name, whatever the start method."""

import time
from typing import Any, TypeVar

T = TypeVar("T")


def noop(value: T) -> T:
    """Return the argument: as little work as still lets the results be checked."""
    return value


def pause(seconds: float) -> None:
    """Sleep, so that no worker can take two such tasks while another has none."""
    time.sleep(seconds)


def spin(seconds: float) -> float:
    """Keep a core busy for this long, and return the wall time it really took."""
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        pass
    return elapsed


def count_words(text: str) -> int:
    """Do what ``Count`` of go/calls does."""
    return len(text.split())


def total(numbers: Any) -> float:
    """Do what ``Sum`` of go/calls does."""
    return float(numbers.sum())
