"""Points with labels: handwritten digits of 8 x 8 pixels, or made-up ones like them."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import numpy as np


class Data(NamedTuple):
    """Points whose labels are known, and queries with the labels that should be found."""

    name: str
    points: Any
    labels: Any
    queries: Any
    truth: Any


def load(made_up: int) -> Data:
    """Return scikit-learn's digits where it is installed, else as many made-up points."""
    try:
        if made_up:
            raise ModuleNotFoundError
        digits = importlib.import_module("sklearn.datasets").load_digits()
        name, rows, labels = "scikit-learn's digits", digits.data, digits.target
    except ModuleNotFoundError:
        name, (rows, labels) = "made-up points", blobs(made_up or 1800)
    half = len(rows) // 2
    labels = labels.astype(np.int64)
    return Data(name, rows[:half], labels[:half], rows[half:], labels[half:])


def blobs(count: int) -> tuple[Any, Any]:
    """Return points around 10 centres, as whole numbers from 0 to 16 like those of the digits."""
    random = np.random.default_rng(1)
    centres = random.uniform(4, 12, (10, 64))
    labels = random.integers(10, size=count)
    rows = np.rint(centres[labels] + random.normal(scale=5, size=(count, 64)))
    return rows.clip(0, 16), labels
