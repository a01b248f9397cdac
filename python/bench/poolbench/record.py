"""Write everything that was measured to a JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from poolbench.runner import Outcome
from poolbench.summary import Finding, summarize

FORMAT = 1


def write(
    path: Path,
    outcomes: list[Outcome],
    *,
    subject: str,
    rounds: int,
    environment: dict[str, str],
    command: str,
) -> None:
    """Write environment, findings and every single sample: enough to plot, and to judge anew."""
    document = {
        "format": FORMAT,
        "command": command,
        "environment": environment,
        "subject": subject,
        "rounds": rounds,
        "scenarios": [_outcome(outcome, subject) for outcome in outcomes],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _outcome(outcome: Outcome, subject: str) -> dict[str, Any]:
    return {
        "name": outcome.scenario.name,
        "explanation": outcome.scenario.explanation,
        "size": outcome.size,
        "failure": outcome.failure,
        "findings": [_finding(finding) for finding in summarize(outcome, subject)],
        "samples": outcome.samples,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    document = asdict(finding)
    del document["scenario"]  # it stands one level up
    return document
