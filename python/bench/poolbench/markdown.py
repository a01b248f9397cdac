"""Put the tables into a Markdown file, so that the figures of the documentation have a command."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from pathlib import Path

from poolbench import wording
from poolbench.libraries import REFERENCE
from poolbench.summary import Finding, Results

BEGIN = "<!-- bench: begin (written by make bench; do not edit) -->"
END = "<!-- bench: end -->"


def find_problem(path: Path | None) -> str | None:
    """Return why the file cannot be written to, before minutes are spent on measuring."""
    if path is None:
        return None
    if not path.exists():
        return f"{path} does not exist"
    text = path.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        return f"{path} has to have these two lines, with the tables between:\n{BEGIN}\n{END}"
    return None


def write(path: Path, results: Results, chart: Path | None) -> None:
    """Replace what is between the two markers of the file; the chart, if any, is shown there."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    sections = [_environment(results), "", _findings(results), _peers(results), _excuses(results)]
    if chart is not None:
        place = Path(os.path.relpath(chart, path.parent)).as_posix()
        sections[1] = f"![How many times better {results.subject} is than each library]({place})"
    text = "\n\n".join(section for section in sections if section)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _environment(results: Results) -> str:
    described = {**results.environment, "rounds": str(results.rounds)}
    lines = [f"* {heading}: {text}" for heading, text in described.items()]
    return "\n".join([*lines, f"* command: `{results.command}`"])


def _findings(results: Results) -> str:
    headings = ["scenario", "figure", results.subject, f"`{REFERENCE}.Pool`", "ratio"]
    rows = (_row(finding) for finding in results.findings())
    return _table([*headings, "quartiles", "target"], rows)


def _row(finding: Finding) -> list[str]:
    target = finding.line.target
    return [
        finding.scenario,
        wording.figure(finding),
        wording.number(finding.subject_value),
        wording.other(finding),
        wording.comparison(finding),
        wording.spread(finding),
        "" if target is None else f"{target} ({'met' if finding.met else '**missed**'})",
    ]


def _peers(results: Results) -> str:
    rows = list(wording.peer_rows(results))
    if not rows:  # all that were measured are what a line compares with
        return ""
    sentence = (
        "Other libraries, in the first rounds of the same run; in brackets how many times better "
        f"{results.subject} is:"
    )
    headings = ["scenario", "figure", results.subject, *results.peers()]
    return f"{sentence}\n\n{_table(headings, rows)}"


def _excuses(results: Results) -> str:
    """Say what is missing: each reason once, with its scenarios."""
    by_reason = sorted(results.excuses(), key=lambda excuse: excuse[1:])
    lines = []
    for (library, reason), group in itertools.groupby(by_reason, key=lambda excuse: excuse[1:]):
        names = ", ".join(scenario for scenario, _, _ in group)
        lines.append(f"* {library}, {names}: {reason}")
    return "Not measured:\n\n" + "\n".join(lines) if lines else ""


def _table(headings: list[str], rows: Iterable[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)
