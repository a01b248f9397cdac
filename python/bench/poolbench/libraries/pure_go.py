"""An upper limit for functions of Go packages: a Go program with a loop around the same function.

Arguments are there when the clock starts, and results stay where they are: there is no Python
on either side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from poolbench.work import Work


def run_program(
    work: Work, items: Sequence[tuple[Any, ...]], goroutines: int
) -> tuple[float, list[Any]]:
    return work.run_program(items, goroutines)
