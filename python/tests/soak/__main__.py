"""`python -m soak`: see the package."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

from support import tasks

from .interrupts import Interrupter
from .residue import Residue, resident, return_what_is_free
from .scene import WORKERS, Scene, start_pool
from .tally import Tally
from .watchdog import Watchdog

TOLERANCE = 16 << 20
"""Bytes that the least memory between pools may have grown by."""


def main() -> int:
    """Run for the time given; return 0 if nothing was wrong, or say what was."""
    parser = argparse.ArgumentParser(prog="soak", description="Use pools while all goes wrong.")
    parser.add_argument("--seconds", type=float, default=600, help="how long (600)")
    parser.add_argument("--seed", type=int, help="of the random choices; times are not repeated")
    parser.add_argument("--patience", type=float, default=60, help="seconds without progress (60)")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}, {options.seconds:g} s", flush=True)

    warnings.filterwarnings("ignore", "unclosed running", ResourceWarning)  # pools that are dropped
    warnings.filterwarnings("ignore", "unclosed file", ResourceWarning)  # that Ctrl-C took
    tally = Tally()
    watchdog = Watchdog(lambda: tally.progress, options.patience)
    begin = time.monotonic()
    wrong = soak(tally, seed, begin + options.seconds)
    watchdog.stop()
    report(tally, time.monotonic() - begin)
    for reason in wrong:
        print(f"WRONG: {reason}", file=sys.stderr)
    print("nothing was wrong" if not wrong else f"{len(wrong)} things were wrong (seed {seed})")
    return 1 if wrong else 0


def soak(tally: Tally, seed: int, deadline: float) -> list[str]:
    """Play scenes, some at a time, until the deadline or until something is wrong."""
    return_what_is_free()
    for workers in WORKERS:  # what lives as long as the process is there from now on
        with start_pool(workers, 2) as pool:
            pool.map(tasks.square, range(1000))
    interrupter = Interrupter(tally, random.Random(f"{seed} interrupts"))
    residue = Residue()
    memory: list[int] = []
    wrong: list[str] = []
    number = 0
    while not wrong and time.monotonic() < deadline:
        number += 1
        with tempfile.TemporaryDirectory(prefix="soak-") as directory:
            wrong += play(Path(directory), tally, f"{seed}-{number}", deadline, interrupter)
            wrong += [f"left over after scene {number}: {what}" for what in residue.growth()]
        memory.append(resident())
        tally.add("scenes")
    interrupter.stop()
    return wrong + grown(memory)


def play(
    directory: Path, tally: Tally, seed: str, deadline: float, interrupter: Interrupter
) -> list[str]:
    """Play one scene in this thread, and others beside it."""
    wrong: list[str] = []
    others = [
        threading.Thread(
            target=lambda n=n: wrong.extend(Scene(directory, tally, f"{seed}-{n}", deadline).play())
        )
        for n in range(random.Random(seed).randint(0, 2))
    ]
    for other in others:
        other.start()
    wrong += Scene(directory, tally, f"{seed}-main", deadline, interrupter).play()
    for other in others:
        other.join()
    return wrong


def grown(memory: list[int]) -> list[str]:
    """Compare the least memory of the last third of a run with that of the second.

    In the first, caches fill. The least, because what was freed is returned to the system
    sooner or later; what is lost never is.
    """
    third = len(memory) // 3
    if not third:
        return []
    before, after = min(memory[third : 2 * third]), min(memory[2 * third :])
    print(f"memory: {before >> 20} MB, then {after >> 20} MB at least, {max(memory) >> 20} at most")
    if after > before + TOLERANCE:
        return [f"memory has grown by {after - before >> 20} MB"]
    return []


def report(tally: Tally, seconds: float) -> None:
    """Print what was done."""
    faults = tally.under("fault: ")
    print(
        f"{seconds:.0f} s: {tally['tasks']:,} tasks of {tally['jobs']:,} jobs in "
        f"{tally['pools']:,} pools, {tally['lost']:,} tasks lost and reported"
    )
    print(f"{sum(faults.values()):,} faults injected and survived: {listed(faults)}")
    print(f"workers: {listed(tally.under('workers: '))}; ends: {listed(tally.under('end: '))}")
    print("longest: " + ", ".join(f"{k} {v:.2f} s" for k, v in tally.times().items()))


def listed(counts: dict[str, int]) -> str:
    """Return counts in words."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())
