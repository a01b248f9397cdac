"""Draw how many times better the subject is than each library, as an SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from poolbench.libraries import PEERS, REFERENCE
from poolbench.runner import Outcome
from poolbench.summary import Results, advantage, summarize, summarize_peer

# Told apart by people who do not see all colours, too (the palette of Okabe and Ito).
COLOURS = {
    REFERENCE: "#000000",
    **dict(
        zip(
            PEERS,
            ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"],
            strict=True,
        )
    ),
}

WIDTH, LABELS, MARGIN = 900, 300, 20
ROW, HEADER, FOOTER = 22, 56, 36
STYLE = "font: 12px system-ui, sans-serif; fill: #333"


@dataclass(frozen=True)
class Row:
    """A figure of a scenario: for each library the lower quartile, the median and the upper."""

    label: str
    advantages: dict[str, tuple[float, float, float]]


def write(path: Path, results: Results) -> None:
    """Draw one row per figure that is a ratio, on a logarithmic scale; right of 1 is better."""
    rows = [row for outcome in results.outcomes for row in _rows(outcome, results)]
    path.write_text("\n".join(_draw(rows, results)) + "\n", encoding="utf-8")


def _rows(outcome: Outcome, results: Results) -> Iterator[Row]:
    findings = [f for f in summarize(outcome, results.subject) if f.line.against == REFERENCE]
    for peer in results.peers():
        findings += summarize_peer(outcome, results.subject, peer)
    for figure in dict.fromkeys(finding.line.figure for finding in findings):
        advantages = {
            finding.line.against: better
            for finding in findings
            if finding.line.figure == figure and (better := advantage(finding)) is not None
        }
        if advantages:
            yield Row(f"{outcome.scenario.name}: {figure}", advantages)


def _draw(rows: list[Row], results: Results) -> Iterator[str]:
    height = HEADER + ROW * len(rows) + FOOTER
    scale = _Scale(value for row in rows for better in row.advantages.values() for value in better)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'style="{STYLE}" role="img">'
    )
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    title = f"How many times better {results.subject} is (medians and quartiles; 1: no difference)"
    yield _text(MARGIN, 20, title)
    yield from _legend([REFERENCE, *results.peers()])
    bottom = HEADER + ROW * len(rows)
    for tick in scale.ticks():
        x = scale.x(tick)
        colour = "#666666" if tick == 1 else "#dddddd"
        yield f'<path d="M{x:.1f} {HEADER}V{bottom}" stroke="{colour}"/>'
        yield _text(x, bottom + 18, f"{tick:g}x", anchor="middle")
    for number, row in enumerate(rows):
        y = HEADER + ROW * (number + 0.5)
        yield _text(LABELS - 10, y + 4, row.label, anchor="end")
        for library, (low, median, high) in row.advantages.items():
            line = f"M{scale.x(low):.1f} {y:.1f}H{scale.x(high):.1f}"
            yield f'<path d="{line}" stroke="{COLOURS[library]}" stroke-width="2"/>'
            yield (
                f'<circle cx="{scale.x(median):.1f}" cy="{y:.1f}" r="4" fill="{COLOURS[library]}">'
                f"<title>{escape(library)}: {median:.3g}x</title></circle>"
            )
    yield "</svg>"


class _Scale:
    """A logarithmic axis over whole powers of ten that has 1 and all values in it."""

    def __init__(self, values: Iterable[float]) -> None:
        logarithms = [0.0, *(math.log10(value) for value in values)]
        self._first = math.floor(min(logarithms))
        self._last = max(math.ceil(max(logarithms)), self._first + 1)

    def ticks(self) -> list[float]:
        return [10.0**exponent for exponent in range(self._first, self._last + 1)]

    def x(self, value: float) -> float:
        part = (math.log10(value) - self._first) / (self._last - self._first)
        return LABELS + part * (WIDTH - LABELS - 2 * MARGIN)


def _legend(libraries: list[str]) -> Iterator[str]:
    step = (WIDTH - 2 * MARGIN) / len(libraries)
    for number, library in enumerate(libraries):
        x = MARGIN + number * step
        yield f'<circle cx="{x + 4:.1f}" cy="38" r="4" fill="{COLOURS[library]}"/>'
        yield _text(x + 14, 42, library)


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
