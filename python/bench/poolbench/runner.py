"""Run scenarios in rounds, each measurement in an interpreter of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from poolbench.scenario import Figures, Scenario

BENCH_DIRECTORY = Path(__file__).resolve().parent.parent
TIME_LIMIT_SECONDS = 120


class MeasurementError(Exception):
    """Raised when a measurement gives no figures: it failed, or did not end in time."""


@dataclass
class Outcome:
    """What was measured of one scenario: a list of figures per library, one entry per round."""

    scenario: Scenario
    size: int
    samples: dict[str, list[Figures]] = field(default_factory=dict)
    failure: str | None = None


def run(
    scenario: Scenario, subject: str, *, size: int, rounds: int, progress: Callable[[str], None]
) -> Outcome:
    """Measure each library once per round, the order turned round from one to the next.

    Interleaving puts a slow minute of the machine on all libraries alike; the alternating order
    takes away the advantage of being second. A failure ends the scenario and is part of
    the outcome.
    """
    libraries = scenario.libraries(subject)
    outcome = Outcome(scenario, size, {name: [] for name in libraries})
    for number in range(rounds):
        for library in libraries if number % 2 == 0 else reversed(libraries):
            progress(f"{scenario.name}: round {number + 1} of {rounds}, {library}")
            try:
                outcome.samples[library].append(measure(scenario, library, size))
            except MeasurementError as error:
                outcome.failure = f"{library}, round {number + 1}: {error}"
                return outcome
    return outcome


def measure(scenario: Scenario, library: str, size: int) -> Figures:
    """Take one measurement in a fresh interpreter, and see to it that nothing of it is left.

    Raises ``MeasurementError`` if that fails or takes longer than the time limit.
    """
    command = [sys.executable, "-m", "poolbench.sample", scenario.name, library, str(size)]
    process = subprocess.Popen(
        command,
        # `-m` looks for modules in the working directory first. It must not be the repository's
        # top level, where `gopool` is a directory of Go sources.
        cwd=BENCH_DIRECTORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=TIME_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise MeasurementError(f"not finished after {TIME_LIMIT_SECONDS} s") from None
    finally:
        _kill_session(process)
    if process.returncode != 0:
        lines = errors.strip().splitlines()
        raise MeasurementError(lines[-1] if lines else f"exit status {process.returncode}")
    figures: Figures = json.loads(output)
    return figures


def _kill_session(process: subprocess.Popen[str]) -> None:
    """Kill what is left of a measurement: itself if it hangs, and workers that outlived it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
