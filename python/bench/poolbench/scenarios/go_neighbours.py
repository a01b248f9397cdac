"""The example examples/go/neighbours: a long calculation over arrays, written in Go."""

from __future__ import annotations

import importlib
from typing import Any

from poolbench.examples import EXAMPLES, beside_others
from poolbench.libraries import PURE_GO, REFERENCE
from poolbench.libraries.library import CannotMeasure, Library
from poolbench.scenario import Figures, check, scenario
from poolbench.work import Work

WORKERS = 2
POINTS = 1000
BLOCK = 100  # queries per task
NEAREST = 5


@scenario(
    "go-neighbours",
    *beside_others("throughput", "queries/s"),
    size=16_000,
    quick_size=4_000,
    peer_size=0,
    sizes={REFERENCE: 1000},
)
def go_neighbours(library: Library, size: int) -> Figures:
    """Classify points of 64 dimensions by the 5 nearest of 1,000, 100 queries per task, 2 workers.

    ``multiprocessing.Pool`` has the same algorithm in Python, with ``math.dist``.
    """
    blobs, twin = _load("data").blobs, _load("twin").classify
    work = Work(EXAMPLES / "go/neighbours", "Classify", twin, program="neighbours")
    rows, labels = blobs(POINTS + size)
    points, known, queries = rows[:POINTS], labels[:POINTS], rows[POINTS:]
    blocks = [queries[start : start + BLOCK] for start in range(0, size, BLOCK)]
    if library.name == PURE_GO:  # which is given JSON
        points, known, blocks = points.tolist(), known.tolist(), [b.tolist() for b in blocks]
    items = [(points, known, block, NEAREST) for block in blocks]
    seconds, results = library.time_map(work, items, WORKERS)
    found = [label for block in results for label in block]
    right = sum(label == truth for label, truth in zip(found, labels[POINTS:], strict=True))
    check(right > size / 2, "a classification")  # by chance it would be a tenth
    return {"throughput": size / seconds}


def _load(module: str) -> Any:
    """Import a module of the example. It needs numpy."""
    try:
        return importlib.import_module(f"go.neighbours.{module}")
    except ModuleNotFoundError as error:
        raise CannotMeasure(f"{error.name} is not installed") from None
