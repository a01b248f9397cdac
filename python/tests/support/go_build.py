"""The Go packages in python/tests/go, built as a user would."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from support.programs import TESTS

SOURCES = TESTS / "go"


class GoPackages:
    """Builds Go packages into one directory, and imports them from there.

    What was built in an earlier session comes from the build's own cache. Workers are told of the
    directory: they import the packages by name.
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
        """Return the package in a directory, which is called like it."""
        from gopool._build.package import build

        build(str(source), str(self.directory))
        importlib.invalidate_caches()
        return importlib.import_module(source.name)
