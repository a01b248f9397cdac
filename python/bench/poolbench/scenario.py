"""What a scenario is made of, and the registry of all scenarios."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from poolbench.libraries import PEERS, REFERENCE
from poolbench.libraries.library import Library

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
        return f"{'≥' if self.bound == 'at least' else '≤'} {self.limit:,.10g}"


@dataclass(frozen=True)
class Line:
    """One line of the table: a figure of the subject compared with the same of another library.

    ``compare`` says how: the ratio is subject / other, the difference subject - other, and with
    ``value`` the subject's figure stands for itself, the other one beside it. Without a target the
    line is reported and not judged.
    """

    figure: str
    unit: str
    better: Literal["higher", "lower"]
    against: str = REFERENCE
    compare: Literal["ratio", "difference", "value"] = "ratio"
    target: Target | None = None


@dataclass(frozen=True)
class Scenario:
    """Something to measure: how, how much of it, and the lines that it gives in the table.

    ``sizes`` holds the libraries that are measured on less than the others, because the full
    size would take them minutes; ``peer_size`` does so for all peers, and 0 leaves them out.
    ``rounds`` is a maximum, for scenarios that take long.
    """

    name: str
    measure: Measure
    explanation: str
    lines: tuple[Line, ...]
    size: int
    quick_size: int
    peer_size: int | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    rounds: int | None = None

    def libraries(self, subject: str, peers: list[str]) -> list[str]:
        """List the libraries to measure, the subject first."""
        needed = [subject, *(line.against for line in self.lines)]
        return list(dict.fromkeys(needed + (peers if self.peer_size != 0 else [])))

    def size_for(self, library: str, *, quick: bool) -> int:
        """Return how much of the scenario to run on this library."""
        limit = self.sizes.get(library)
        if limit is None and library in PEERS:
            limit = self.peer_size
        size = self.quick_size if quick else self.size
        return size if limit is None else min(size, limit)


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str,
    *lines: Line,
    size: int,
    quick_size: int,
    peer_size: int | None = None,
    sizes: Mapping[str, int] | None = None,
    rounds: int | None = None,
) -> Callable[[Measure], Measure]:
    """Register the decorated function as a scenario, with its docstring as the explanation.

    It is a function to call as well, ``scenario(...)(measure)``, where scenarios are made in a
    loop. The arguments are those of ``Scenario``.
    """

    def register(measure: Measure) -> Measure:
        if name in SCENARIOS:
            raise ValueError(f"two scenarios are called {name!r}")
        text = inspect.getdoc(measure)
        if not text:
            raise ValueError(f"scenario {name!r} does not say what it measures: add a docstring")
        SCENARIOS[name] = Scenario(
            name, measure, text, lines, size, quick_size, peer_size, sizes or {}, rounds
        )
        return measure

    return register


def check(is_right: bool, what: str) -> None:
    """Refuse a figure that was measured on wrong results (``assert`` may be switched off)."""
    if not is_right:
        raise RuntimeError(f"wrong results: {what}")
