"""From samples to statements: medians, quartiles, and whether targets are met."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from poolbench.runner import Outcome
from poolbench.scenario import Line


@dataclass(frozen=True)
class Finding:
    """A line of the table with everything that is said in it.

    ``comparisons`` holds one ratio or difference per round, each between two measurements taken
    one after the other; ``median``, ``low`` and ``high`` are their median and quartiles.
    """

    scenario: str
    line: Line
    subject_value: float
    other_value: float
    comparisons: list[float]
    median: float
    low: float
    high: float
    met: bool | None


def summarize(outcome: Outcome, subject: str) -> list[Finding]:
    """Give a finding for each line of the scenario; none if the scenario failed."""
    if outcome.failure is not None:
        return []
    return [_find(outcome, subject, line) for line in outcome.scenario.lines]


def _find(outcome: Outcome, subject: str, line: Line) -> Finding:
    ours = [figures[line.figure] for figures in outcome.samples[subject]]
    theirs = [figures[line.figure] for figures in outcome.samples[line.against]]
    if line.compare == "ratio":
        comparisons = [our / their for our, their in zip(ours, theirs, strict=True)]
    else:
        comparisons = [our - their for our, their in zip(ours, theirs, strict=True)]
    low, median, high = _quartiles(comparisons)
    return Finding(
        scenario=outcome.scenario.name,
        line=line,
        subject_value=statistics.median(ours),
        other_value=statistics.median(theirs),
        comparisons=comparisons,
        median=median,
        low=low,
        high=high,
        met=None if line.target is None else line.target.is_met_by(median),
    )


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, median, high
