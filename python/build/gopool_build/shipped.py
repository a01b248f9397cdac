"""The build_py command: what `gopool build` needs of the Go sources goes into the package."""

from __future__ import annotations

from pathlib import Path

from setuptools.command.build_py import build_py

from gopool._build import sources


class BuildPython(build_py):
    """Copy the modules, and Go sources to gopool/_go.

    An editable installation has no such copy: the sources are in the tree that it leads to.
    """

    def run(self) -> None:
        """Copy both."""
        super().run()
        if not self.editable_mode:
            sources.ship(Path(self.build_lib, "gopool", "_go"))
