"""Go packages, built as a user would."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from support.programs import ROOT, TESTS

SOURCES = TESTS / "go"
EXAMPLES = ROOT / "examples"


def build(source: Path, directory: Path) -> None:
    """Build a Go package, unless an earlier session has: that is in the build's own cache."""
    from gopool._build.package import build

    build(str(source), str(directory))


def import_of_example(example: str, module: str) -> ModuleType:
    """Import a Python module that lies beside the Go package of an example."""
    if str(EXAMPLES) not in sys.path:
        sys.path.append(str(EXAMPLES))
    return importlib.import_module(f"go.{example}.{module}")


class GoPackages:
    """Builds the packages in python/tests/go into one directory, and imports them from there.

    Workers are told of the directory: they import the packages by name.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        sys.path.append(str(directory))

    def __call__(self, name: str) -> ModuleType:
        """Return the package of that name in python/tests/go."""
        package = self.build(SOURCES / name)
        package.WarmUp()
        return package

    def build(self, source: Path) -> ModuleType:
        """Return the package whose sources are in a directory."""
        build(source, self.directory)
        importlib.invalidate_caches()
        return importlib.import_module(source.name)
