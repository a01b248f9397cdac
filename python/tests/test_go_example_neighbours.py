"""The example examples/go/neighbours: Go and Python find the same labels."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support.go_build import EXAMPLES, GoPackages, import_of_example

import gopool

pytestmark = pytest.mark.gopool_only("multiprocessing runs no Go functions")


@pytest.fixture(scope="module")
def neighbours(go_packages: GoPackages) -> ModuleType:
    package = go_packages.build(EXAMPLES / "go" / "neighbours")
    rows, labels = points(1, 1)
    package.Classify(rows, labels, rows, 1)  # Go's runtime opens files for good before that returns
    return package


@pytest.fixture
def twin() -> Any:
    return import_of_example("neighbours", "twin")


def points(count: int, dims: int) -> tuple[Any, Any]:
    """Return points of few different values, so that many are at the same distance, and labels."""
    random = np.random.default_rng(1)
    return random.integers(3, size=(count, dims)).astype(float), random.integers(4, size=count)


@pytest.mark.parametrize("k", [1, 2, 5, 40])
@pytest.mark.parametrize("dims", [1, 7, 8, 19])
def test_the_labels_of_the_twin(neighbours: ModuleType, twin: Any, dims: int, k: int) -> None:
    """Points that are as near as others, and labels that are as frequent, are no difference."""
    rows, labels = points(60, dims)
    arguments = (rows[:40], labels[:40], rows[40:], k)
    found = neighbours.Classify(*arguments)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == twin.classify(*arguments)


def test_points_by_address(neighbours: ModuleType, twin: Any) -> None:
    """Tasks in a pool refer to one array of points that is too large to be sent."""
    rows, labels = points(1000, 19)
    blocks = [(rows, labels, rows[start : start + 5] + 1, 3) for start in range(0, 20, 5)]
    with gopool.GoPool(2) as pool:
        found = pool.starmap(neighbours.Classify, blocks)
    assert [block.tolist() for block in found] == [twin.classify(*block) for block in blocks]


def test_what_does_not_fit(neighbours: ModuleType) -> None:
    rows, labels = points(4, 2)
    with pytest.raises(gopool.GoError, match="k is 5 of 4"):
        neighbours.Classify(rows, labels, rows, 5)
    with pytest.raises(gopool.GoError, match="4 points have 3 labels"):
        neighbours.Classify(rows, labels[:3], rows, 1)
