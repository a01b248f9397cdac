"""What has been built before, in the user's cache directory.

A package is known by its directory and the Python that it was built for. What a build depends on is
only known after it: files, and directories where a new file would count. So an entry is a record of
these with a digest of what they held, and the directory of what was built.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# Seconds after which what nobody has used is removed.
_KEPT = 30 * 24 * 3600

# What the compilers are told by the environment. GOPROXY and the like don't change what they make.
_VARIABLES = ("CC", "CXX", "GOARCH", "GODEBUG", "GOEXPERIMENT", "GOFLAGS", "GOWORK")


def directory() -> Path:
    """Return gopool's cache directory, which may not exist."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "gopool")


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a directory in the cache, from where things can be moved to their place at once."""
    directory().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=directory()) as name:
        yield Path(name)


def move(source: Path, target: Path) -> None:
    """Move a directory to its place, unless another process has put the same there meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def use(path: Path) -> Path:
    """Note that what is there is used, and return the path."""
    os.utime(path)
    return path


def prune() -> None:
    """Remove what was not used for a month, and what builds have left that were ended."""
    limit = time.time() - _KEPT
    for pattern in ("packages/*", "tools/*", "scratch-*"):
        for path in directory().glob(pattern):
            with contextlib.suppress(OSError):  # another process does the same
                if path.stat().st_mtime < limit:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


@dataclass(frozen=True)
class Inputs:
    """What a build depends on."""

    files: list[str]
    directories: list[str]

    def digest(self, sources: str) -> str:
        """Return what is another when any of it changes, or gopool's own sources, or flags."""
        digest = hashlib.sha256(sources.encode())
        for name, value in sorted(os.environ.items()):
            if name in _VARIABLES or name.startswith("CGO_"):
                digest.update(f"{name}={value}\n".encode())
        for file in self.files:
            digest.update(f"{file}\n".encode() + _content(Path(file)))
        for name in self.directories:
            digest.update(f"{name}: {_listing(Path(name))}\n".encode())
        return digest.hexdigest()


def _content(file: Path) -> bytes:
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return b"absent"


def _listing(directory: Path) -> list[str]:
    """Return the names that Go looks at, which are none of what is installed there.

    The package may be installed into the directory of its sources.
    """
    if not directory.is_dir():
        return []
    names = (entry.name for entry in directory.iterdir())
    return sorted(name for name in names if name[0] not in "._" and name != "py.typed")


class Entry:
    """The package of one directory, for this Python."""

    def __init__(self, source: Path) -> None:
        place = f"{source}\n{sysconfig.get_config_var('EXT_SUFFIX')}"
        key = hashlib.sha256(place.encode()).hexdigest()[:32]
        self._record = directory() / "packages" / f"{key}.json"

    def find(self, sources: str) -> tuple[Path, dict[str, Any]] | None:
        """Return what was built and the report on it, unless something has changed since."""
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        built = self._directory(record["digest"])
        if Inputs(**record["inputs"]).digest(sources) != record["digest"] or not built.is_dir():
            return None
        use(self._record)
        return use(built), record["report"]

    def put(self, inputs: Inputs, digest: str, built: Path, report: dict[str, Any]) -> Path:
        """Keep what was built instead of what is there, and return where it is now."""
        place = self._directory(digest)
        move(built, place)
        record = {"inputs": asdict(inputs), "digest": digest, "report": report}
        partial = self._record.with_name(f"{place.name}.{os.getpid()}")
        partial.write_text(json.dumps(record), encoding="utf-8")
        partial.replace(self._record)
        for other in self._record.parent.glob(f"{self._record.stem}-*"):
            if other != place and other.is_dir():
                shutil.rmtree(other, ignore_errors=True)
        prune()
        return use(place)

    def _directory(self, digest: str) -> Path:
        return self._record.with_name(f"{self._record.stem}-{digest[:32]}")
