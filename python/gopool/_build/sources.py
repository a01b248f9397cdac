"""The Go sources that Go packages are built with: what is shipped of them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from .toolchain import ROOT

GENERATOR = "./gopool/cmd/gopool-bind"

_DIRECTORIES = ("gopool/bind", "gopool/cmd/gopool-bind", "gopool/gofunc")
_SUFFIXES = (".go", ".c", ".h")


def shipped(root: Path = ROOT) -> Iterator[Path]:
    """Yield the files of the module in root that the installed package has, by path."""
    yield Path("go.mod")
    yield Path("go.sum")
    for directory in _DIRECTORIES:
        for file in sorted((root / directory).iterdir()):
            if file.suffix in _SUFFIXES and not file.name.endswith("_test.go"):
                yield file.relative_to(root)


def ship(target: Path, root: Path = ROOT) -> list[Path]:
    """Copy these files to target, and return where they are now."""
    copies = []
    for file in shipped(root):
        copy = target / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / file, copy)
        copies.append(copy)
    return copies


def fingerprint(root: Path = ROOT) -> str:
    """Return what is another for other sources."""
    digest = hashlib.sha256()
    for file in shipped(root):
        digest.update(f"{file}\n".encode())
        digest.update(hashlib.sha256((root / file).read_bytes()).digest())
    return digest.hexdigest()
