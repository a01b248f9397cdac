"""Run scenarios in rounds, each measurement in an interpreter of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from poolbench.scenario import Figures, Scenario

BENCH_DIRECTORY = Path(__file__).resolve().parent.parent
TIME_LIMIT_SECONDS = 120
PEER_TIME_LIMIT_SECONDS = 60
PEER_ROUNDS = 3


class MeasurementError(Exception):
    """Raised when a measurement gives no figures: it failed, or did not end in time."""


class CannotError(MeasurementError):
    """Raised when a library does not offer what the scenario needs."""


@dataclass
class Outcome:
    """What was measured of one scenario, by library: the size, and figures for each round.

    A library that gave no figures is in ``failures`` or in ``cannot``, and not in ``samples``.
    """

    scenario: Scenario
    sizes: dict[str, int]
    samples: dict[str, list[Figures]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    cannot: dict[str, str] = field(default_factory=dict)


def run(
    scenario: Scenario,
    subject: str,
    peers: list[str],
    *,
    quick: bool,
    rounds: int,
    progress: Callable[[str], None],
) -> Outcome:
    """Measure each library once per round, the order turned round from one to the next.

    Interleaving puts a slow minute of the machine on all libraries alike; the alternating order
    takes away the advantage of being second. Peers are in the first rounds only. A library that
    fails is left out from then on; without the subject, the scenario ends.
    """
    libraries = scenario.libraries(subject, peers)
    outcome = Outcome(scenario, {name: scenario.size_for(name, quick=quick) for name in libraries})
    rounds = min(rounds, scenario.rounds or rounds)
    for number in range(rounds):
        for library in libraries if number % 2 == 0 else reversed(libraries):
            if library in outcome.failures or library in outcome.cannot:
                continue
            if library in peers and number >= PEER_ROUNDS:
                continue
            progress(f"{scenario.name}: round {number + 1} of {rounds}, {library}")
            try:
                limit = PEER_TIME_LIMIT_SECONDS if library in peers else TIME_LIMIT_SECONDS
                figures = measure(scenario, library, outcome.sizes[library], limit)
            except MeasurementError as error:
                is_known = isinstance(error, CannotError)
                (outcome.cannot if is_known else outcome.failures)[library] = str(error)
                outcome.samples.pop(library, None)
                if library == subject:
                    return outcome
            else:
                outcome.samples.setdefault(library, []).append(figures)
    return outcome


def measure(scenario: Scenario, library: str, size: int, time_limit: float) -> Figures:
    """Take one measurement in a fresh interpreter, and see to it that nothing of it is left.

    Raises ``CannotError`` if the library has no such thing, and ``MeasurementError`` if it fails
    or takes longer than the time limit.
    """
    command = [sys.executable, "-m", "poolbench.sample", scenario.name, library, str(size)]
    # Files and not pipes: a pipe ends when the last worker has closed it, however long that takes.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command,
            # `-m` looks for modules in the working directory first. It must not be the repository's
            # top level, where `gopool` is a directory of Go sources.
            cwd=BENCH_DIRECTORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        try:
            status = process.wait(timeout=time_limit)
        except subprocess.TimeoutExpired:
            raise MeasurementError(f"not finished after {time_limit} s") from None
        finally:
            _kill_session(process)
        return _read_answer(status, _lines_of(output), _lines_of(errors))


def _read_answer(status: int, output: list[str], errors: list[str]) -> Figures:
    if status != 0 or not output:
        raise MeasurementError(errors[-1] if errors else f"exit status {status}")
    answer = json.loads(output[-1])  # what stands before is from libraries that print
    if "cannot" in answer:
        raise CannotError(answer["cannot"])
    figures: Figures = answer["figures"]
    return figures


def _lines_of(file: IO[str]) -> list[str]:
    file.seek(0)
    return file.read().strip().splitlines()


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a measurement: itself if it hangs, and workers that outlived it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
