"""How figures and comparisons are written, in whatever table."""

from __future__ import annotations

from poolbench.libraries import REFERENCE
from poolbench.runner import Outcome
from poolbench.summary import Finding, Results, advantage, summarize, summarize_peer


def number(value: float) -> str:
    """Write a number with about three digits that mean something, and thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def figure(finding: Finding) -> str:
    """Write the name of a figure, its unit, and an arrow for what is better."""
    line = finding.line
    return f"{line.figure}, {line.unit} {'↑' if line.better == 'higher' else '↓'}"


def other(finding: Finding) -> str:
    """Write the figure that is compared with, and whose it is unless it is the reference's."""
    if finding.other_value is None:
        return "-"
    value = number(finding.other_value)
    return value if finding.line.against == REFERENCE else f"{finding.line.against} {value}"


def comparison(finding: Finding) -> str:
    """Write the median of the comparison; nothing where the subject's value is the comparison."""
    if finding.line.compare == "ratio":
        return number(finding.median)
    return f"{finding.median:+.1f} {finding.line.unit}" if finding.line.compare != "value" else ""


def spread(finding: Finding) -> str:
    """Write the quartiles of the comparison."""
    if finding.line.compare == "difference":
        return f"{finding.low:+.1f} {finding.high:+.1f}"
    return f"{number(finding.low)}-{number(finding.high)}"


def peer_rows(results: Results) -> list[list[str]]:
    """Write a row for each figure: scenario, figure, and a cell for each library's.

    A cell is the library's figure, and how many times better the subject's is in the same rounds.
    """
    return [row for outcome in results.outcomes for row in _peer_rows_of(outcome, results)]


def _peer_rows_of(outcome: Outcome, results: Results) -> list[list[str]]:
    cells = {
        peer: {
            finding.line.figure: _peer_cell(finding)
            for finding in summarize_peer(outcome, results.subject, peer)
        }
        for peer in results.peers()
    }
    return [
        [
            finding.scenario,
            figure(finding),
            number(finding.subject_value),
            *(cells[peer].get(finding.line.figure, "") for peer in results.peers()),
        ]
        for finding in summarize(outcome, results.subject)
        if finding.line.against == REFERENCE and any(cells.values())
    ]


def _peer_cell(finding: Finding) -> str:
    value = other(finding).removeprefix(f"{finding.line.against} ")
    better = advantage(finding)
    return value if better is None else f"{value} ({number(better[1])}x)"
