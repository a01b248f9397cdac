"""From samples to statements: medians, quartiles, and whether targets are met."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace

from poolbench.libraries import PEERS, REFERENCE
from poolbench.runner import Outcome
from poolbench.scenario import Line


@dataclass(frozen=True)
class Finding:
    """A line of the table with everything that is said in it.

    ``comparisons`` holds one ratio, difference or value per round, the former each between two
    measurements of the same round; ``median``, ``low`` and ``high`` are their median and quartiles.
    """

    scenario: str
    line: Line
    subject_value: float
    other_value: float | None
    comparisons: list[float]
    median: float
    low: float
    high: float
    met: bool | None


@dataclass(frozen=True)
class Results:
    """All that a run found, for those who print or write it."""

    outcomes: list[Outcome]
    subject: str
    rounds: int
    environment: dict[str, str]
    command: str

    def findings(self) -> list[Finding]:
        """List the lines of the table."""
        return [f for outcome in self.outcomes for f in summarize(outcome, self.subject)]

    def peers(self) -> list[str]:
        """List the peers that there are any figures of."""
        measured = {name for outcome in self.outcomes for name in outcome.samples}
        return [peer for peer in PEERS if peer in measured]

    def excuses(self) -> list[tuple[str, str, str]]:
        """List why there are figures missing: scenario, library, reason."""
        return [
            (outcome.scenario.name, library, reason)
            for outcome in self.outcomes
            for library, reason in {**outcome.failures, **outcome.cannot}.items()
        ]


def summarize(outcome: Outcome, subject: str) -> list[Finding]:
    """Give a finding for each line of the scenario that both of its libraries have figures for.

    A line on the subject's own value needs no other library.
    """
    return _find_all(outcome, subject, outcome.scenario.lines)


def summarize_peer(outcome: Outcome, subject: str, peer: str) -> list[Finding]:
    """Give a finding for each comparison with the reference, made with a peer instead."""
    lines = [
        replace(line, against=peer, target=None)
        for line in outcome.scenario.lines
        if line.against == REFERENCE
    ]
    return _find_all(outcome, subject, lines) if peer in outcome.samples else []


def advantage(finding: Finding) -> tuple[float, float, float] | None:
    """Say how many times better the subject is: quartile, median, quartile; only for ratios."""
    if finding.line.compare != "ratio":
        return None
    if finding.line.better == "higher":
        return finding.low, finding.median, finding.high
    return 1 / finding.high, 1 / finding.median, 1 / finding.low


def _find_all(outcome: Outcome, subject: str, lines: Iterable[Line]) -> list[Finding]:
    return [
        _find(outcome, subject, line)
        for line in lines
        if subject in outcome.samples
        and (line.against in outcome.samples or line.compare == "value")
    ]


def _find(outcome: Outcome, subject: str, line: Line) -> Finding:
    ours = [figures[line.figure] for figures in outcome.samples[subject]]
    theirs = [figures[line.figure] for figures in outcome.samples.get(line.against, [])]
    pairs = list(zip(ours, theirs, strict=False))  # peers have fewer rounds
    if line.compare == "ratio":
        comparisons = [our / their for our, their in pairs]
    elif line.compare == "difference":
        comparisons = [our - their for our, their in pairs]
    else:
        comparisons = ours
    low, median, high = _quartiles(comparisons)
    return Finding(
        scenario=outcome.scenario.name,
        line=line,
        subject_value=statistics.median(ours),
        other_value=statistics.median(theirs) if theirs else None,
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
