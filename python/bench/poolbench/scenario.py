"""What a scenario is made of, and the registry of all scenarios."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from poolbench.libraries import REFERENCE, Library

Figures = dict[str, float]
"""What one measurement returns: a value for each of the scenario's figures, by name."""

Measure = Callable[[Library, int], Figures]
"""Takes one measurement of a library; the integer is the scenario's size."""


@dataclass(frozen=True)
class Target:
    """A limit that the median of a comparison must keep."""

    bound: Literal["at least", "at most"]
    limit: float

    def is_met_by(self, value: float) -> bool:
        """Tell whether the value is on the right side of the limit."""
        return value >= self.limit if self.bound == "at least" else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.bound == 'at least' else '≤'} {self.limit:g}"


@dataclass(frozen=True)
class Line:
    """One line of the table: a figure of the subject compared with the same of another library.

    ``compare`` says how: the ratio is subject / other, the difference subject - other. Without a
    target the line is reported and not judged.
    """

    figure: str
    unit: str
    better: Literal["higher", "lower"]
    against: str = REFERENCE
    compare: Literal["ratio", "difference"] = "ratio"
    target: Target | None = None


@dataclass(frozen=True)
class Scenario:
    """Something to measure: how, how much of it, and the lines that it gives in the table."""

    name: str
    measure: Measure
    explanation: str
    size: int
    quick_size: int
    lines: tuple[Line, ...]

    def libraries(self, subject: str) -> list[str]:
        """List the libraries that this scenario needs measured, the subject first."""
        return list(dict.fromkeys([subject, *(line.against for line in self.lines)]))


SCENARIOS: dict[str, Scenario] = {}


def scenario(name: str, *lines: Line, size: int, quick_size: int) -> Callable[[Measure], Measure]:
    """Register the decorated function as a scenario, with its docstring as the explanation."""

    def register(measure: Measure) -> Measure:
        add(name, measure, *lines, size=size, quick_size=quick_size)
        return measure

    return register


def add(name: str, measure: Measure, *lines: Line, size: int, quick_size: int) -> None:
    """Register a scenario; for those that are made in a loop rather than decorated."""
    if name in SCENARIOS:
        raise ValueError(f"two scenarios are called {name!r}")
    explanation = inspect.getdoc(measure)
    if not explanation:
        raise ValueError(f"scenario {name!r} does not say what it measures: give it a docstring")
    SCENARIOS[name] = Scenario(name, measure, explanation, size, quick_size, lines)


def check(is_right: bool, what: str) -> None:
    """Refuse a figure that was measured on wrong results (``assert`` may be switched off)."""
    if not is_right:
        raise RuntimeError(f"wrong results: {what}")
