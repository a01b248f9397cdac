"""Work in several languages: a function of a Go package, its twin in Python, a Go program.

Packages and programs are built when they are needed, by gopool's own build, and kept in its cache.
"""

from __future__ import annotations

import base64
import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The module with the bench's own packages, and all programs.
MODULE = Path(__file__).resolve().parents[1] / "go"


@dataclass(frozen=True)
class Work:
    """A function, in each form that it is measured in.

    ``package`` is the directory of the Go package, ``program`` the name of a command in ``go/cmd``
    that calls the function by way of package loop (empty: there is none). The twin is importable
    by name, whatever the start method.
    """

    package: Path
    name: str
    twin: Callable[..., Any]
    program: str = ""

    def function(self) -> Callable[..., Any]:
        """Return the function of the Go package, which is built unless it was before."""
        from gopool._build import cache, package  # not installed, perhaps, and not needed by twins

        directory = cache.directory() / "bench"
        built = package.build(str(self.package), str(directory))
        if str(directory) not in sys.path:
            sys.path.append(str(directory))
        function: Any = getattr(importlib.import_module(built.name), self.name)
        function.package.native.binding_ABI()  # loads it, as workers of a warm pool have theirs
        return function  # type: ignore[no-any-return]

    def run_program(
        self, items: Sequence[tuple[Any, ...]], goroutines: int
    ) -> tuple[float, list[Any]]:
        """Run the Go program; return the seconds that its calls took, and their results."""
        answer = json.loads(
            subprocess.run(
                [self._build_program(), str(goroutines)],
                input=json.dumps(items, default=_base64),
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            ).stdout
        )
        return answer["seconds"], answer["results"]

    def _build_program(self) -> Path:
        from gopool._build import cache, toolchain

        go = toolchain.find_go(MODULE)
        if go is None:
            raise SystemExit("There is no Go toolchain to build the benchmark's programs with.")
        program = cache.directory() / "bench" / "programs" / self.program
        command = [str(go), "build", "-o", str(program), f"./cmd/{self.program}"]
        subprocess.run(command, cwd=MODULE, env=toolchain.environment(go), check=True)
        return program


def _base64(argument: bytes) -> str:
    """Return bytes as Go's JSON has them."""
    return base64.b64encode(argument).decode()
