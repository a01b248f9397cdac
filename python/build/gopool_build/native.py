"""The build_ext command: gopy compiles the Go package gopool/bridge to gopool._native.

That happens in a copy of the module outside the source tree, which is not changed.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from setuptools import Extension
from setuptools.command.build_ext import build_ext

from gopool._build import toolchain
from gopool._build.gopy import Gopy

BRIDGE = "./gopool/bridge"


class BuildNative(build_ext):
    """Build extension modules with gopy instead of a C compiler alone."""

    def build_extension(self, ext: Extension) -> None:
        """Compile the bridge and put the library where setuptools expects the module."""
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="gopool-build-") as scratch:
            library = build_native(toolchain.ROOT, Path(scratch), ext.name.rpartition(".")[2])
            shutil.copy2(library, target)


def build_native(root: Path, scratch: Path, name: str) -> Path:
    """Compile the bridge of the module in root and return the path of the shared library.

    Args:
        root: The directory of go.mod, which is only read.
        scratch: An empty directory, outside any Go module.
        name: The name of the extension module; begins with an underscore.

    Raises:
        SystemExit: with one sentence, after the output of the command that failed.
    """
    go = toolchain.find_go(root)
    if go is None:
        raise SystemExit(f"gopool needs a Go toolchain to be built: {toolchain.requirements(root)}")
    module = scratch / "module"
    _copy_module(root, module)
    gopy = Gopy(go, scratch / "tools", "gopool", verbose=True)
    gopy.build_tools(module)
    return gopy.build_extension(module, BRIDGE, name)


def _copy_module(root: Path, module: Path) -> None:
    """Copy what go needs to build the bridge."""
    ignored = shutil.ignore_patterns("*_test.go", "testdata")
    shutil.copytree(root / "gopool", module / "gopool", ignore=ignored)
    for name in ("go.mod", "go.sum"):
        shutil.copy2(root / name, module)
