"""What the Go package does, in Python: once with the same algorithm, and once with numpy."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from typing import Any

import numpy as np


def classify(points: Any, labels: Any, queries: Any, k: int) -> list[int]:
    """Measure the distance of each query from each point, one at a time, and keep the k nearest."""
    rows = [tuple(row) for row in points.tolist()]  # math.dist wants tuples of Python's floats
    names = labels.tolist()
    result = []
    for query in map(tuple, queries.tolist()):
        distances = [math.dist(query, row) for row in rows]
        nearest = heapq.nsmallest(k, range(len(rows)), key=distances.__getitem__)
        votes = Counter(names[index] for index in nearest)
        result.append(votes.most_common(1)[0][0])  # of equally frequent ones the nearest
    return result


def classify_arrays(points: Any, labels: Any, queries: Any, k: int) -> Any:
    """Measure all distances at once, by a product of matrices.

    Of points at the same distance any may be taken, and of labels as frequent the smallest: for
    a few queries the label differs from that of the others.
    """
    distances = (points**2).sum(axis=1) - 2 * queries @ points.T  # less what all have in common
    nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
    votes = np.zeros((len(queries), labels.max() + 1))
    np.add.at(votes, (np.arange(len(queries))[:, None], labels[nearest]), 1)
    return votes.argmax(axis=1)
