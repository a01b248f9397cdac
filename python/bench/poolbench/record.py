"""Write everything that was measured to a JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from poolbench.runner import Outcome
from poolbench.summary import Finding, Results, summarize, summarize_peer

FORMAT = 2


def write(path: Path, results: Results) -> None:
    """Write environment, findings and every single sample: enough to plot, and to judge anew."""
    document = {
        "format": FORMAT,
        "command": results.command,
        "environment": results.environment,
        "subject": results.subject,
        "rounds": results.rounds,
        "scenarios": [_outcome(outcome, results) for outcome in results.outcomes],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _outcome(outcome: Outcome, results: Results) -> dict[str, Any]:
    subject = results.subject
    return {
        "name": outcome.scenario.name,
        "explanation": outcome.scenario.explanation,
        "sizes": outcome.sizes,
        "failures": outcome.failures,
        "cannot": outcome.cannot,
        "findings": [_finding(finding) for finding in summarize(outcome, subject)],
        "peers": {
            peer: [_finding(finding) for finding in summarize_peer(outcome, subject, peer)]
            for peer in results.peers()
        },
        "samples": outcome.samples,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    document = asdict(finding)
    del document["scenario"]  # it stands one level up
    return document
