"""What a machine must have to build gopool, or Go packages, and the sentence when it has not."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

COMPILERS = ("gcc", "clang", "cc")


def check(purpose: str = "to be built") -> None:
    """Leave with one sentence on standard error if this machine cannot build extensions.

    Raises:
        SystemExit: with the sentence; a front end prints it without a traceback.
    """
    sentence = complaint(purpose)
    if sentence is not None:
        raise SystemExit(sentence)


def complaint(
    purpose: str = "to be built",
    *,
    system: str | None = None,
    implementation: str | None = None,
    include: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> str | None:
    """Return a sentence that says what is missing and how to get it, or None.

    The purpose is what gopool needs it for; the other arguments stand in for this machine's
    answers, for tests.
    """
    system = system or platform.system()
    if system == "Windows":
        return "gopool does not run on Windows: install it on Linux, or in WSL."
    implementation = implementation or platform.python_implementation()
    if implementation != "CPython":
        return f"gopool is an extension module for CPython, and this is {implementation}."
    include = include or sysconfig.get_path("include")
    has_headers = Path(include, "Python.h").is_file()
    compiler = find_compiler(environ)
    if compiler is None:
        found = f"CC={environ['CC']} is not one" if environ.get("CC") else "there is none"
        packages = "build-essential" if has_headers else "build-essential python3-dev"
        return f"gopool needs a C compiler {purpose}, and {found}: {_install(packages)}"
    if not has_headers:
        return (
            f"gopool needs the C headers of Python {sys.version_info[0]}.{sys.version_info[1]} "
            f"{purpose}, and {include} has no Python.h: {_install('python3-dev')}"
        )
    if not _compiles(compiler, include, environ):
        return (
            f"gopool needs a C compiler {purpose}, and {shlex.join(compiler)} cannot compile "
            f"a file that includes Python.h: {_install('build-essential python3-dev')}"
        )
    return None


def _install(packages: str) -> str:
    """Return the end of a sentence that names what to install."""
    return f"install it (Debian and Ubuntu: apt install {packages})."


def find_compiler(environ: Mapping[str, str] = os.environ) -> list[str] | None:
    """Return the command of the C compiler: $CC, or the first that is on the PATH, or None."""
    path = environ.get("PATH")
    if environ.get("CC"):
        command = shlex.split(environ["CC"])
        return command if command and shutil.which(command[0], path=path) else None
    return next(([name] for name in COMPILERS if shutil.which(name, path=path)), None)


def _compiles(compiler: list[str], include: str, environ: Mapping[str, str]) -> bool:
    """Say whether the compiler can make a shared library that includes Python.h."""
    with tempfile.TemporaryDirectory(prefix="gopool-build-") as scratch:
        source = Path(scratch, "probe.c")
        source.write_text("#include <Python.h>\nint probe(void) { return 0; }\n", encoding="ascii")
        output = str(source.with_suffix(".so"))
        flags = ["-shared", "-fPIC", f"-I{include}"]
        if sys.platform == "darwin":
            flags += ["-undefined", "dynamic_lookup"]
        done = subprocess.run(
            [*compiler, *flags, "-o", output, str(source)],
            env=dict(environ),
            check=False,
            capture_output=True,
        )
    return done.returncode == 0
