"""What scenarios have in common that measure the examples of Go packages."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import Any

from poolbench.libraries import PURE_GO
from poolbench.scenario import Line, Target
from poolbench.work import MODULE

#: Below it, in go, there is a Go package in each directory, and its twin beside it.
EXAMPLES = MODULE.parents[2] / "examples"
sys.path.append(str(EXAMPLES))  # go.words.twin, say, is importable by name, in workers as well


def beside_others(figure: str, unit: str) -> tuple[Line, Line]:
    """Return the lines of an example: compared with its twin in Python, and with a Go program."""
    twin = Line(figure, unit, "higher", target=Target("at least", 10))
    return twin, replace(twin, against=PURE_GO, target=Target("at least", 0.8))


def as_dict(result: Any) -> dict[str, Any]:
    """Return a struct as a Go program prints it, whoever made it."""
    return result if isinstance(result, dict) else asdict(result)
