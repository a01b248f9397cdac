"""Go packages, built as a user would."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from support.programs import TESTS

SOURCES = TESTS / "go"


def build(source: Path, directory: Path) -> None:
    """Build a Go package, unless an earlier session has: that is in the build's own cache."""
    from gopool._build.package import build

    build(str(source), str(directory))


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
