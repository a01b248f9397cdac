"""Install gopool in each way that is documented, and use it from somewhere else each time.

    python python/build/check_packaging.py [another Python ...]

A wheel, an sdist and an editable installation of a copy of the tree: each goes into a virtual
environment of its own, and a program that runs a pool is started in an empty directory. The wheel
is also tried with each other Python that is named, which has to be of the same version: one with a
static libpython, say, where this one's is shared. Everything is in a temporary directory. Takes a
minute or two.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys

import gopool

def square(x):
    return x * x

if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        with gopool.get_context(method).Pool(2) as pool:
            assert pool.map(square, range(100)) == [x * x for x in range(100)]
    with open("/proc/self/maps") as maps:
        kind = "shared" if "libpython" in maps.read() else "static"
    print(f"  Python {sys.version.split()[0]}, {kind} libpython: {gopool.__file__}")
"""


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command; raise CalledProcessError if it fails."""
    subprocess.run([str(word) for word in command], check=True, cwd=cwd)


def make_environment(directory: Path, python: str = sys.executable) -> Path:
    """Make a virtual environment and return its interpreter."""
    if python == sys.executable:
        venv.create(directory, with_pip=True)
    else:
        run(python, "-m", "venv", directory)
    return directory / "bin" / "python"


def try_out(python: Path, directory: Path) -> None:
    """Run the program where nothing of this tree can be imported by chance."""
    directory.mkdir()
    program = directory / "program.py"
    program.write_text(PROGRAM)
    run(python, "program.py", cwd=directory)


def copy_tree(target: Path) -> None:
    """Copy what git tracks, as a clone would."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listing.stdout.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)


def only(directory: Path, pattern: str) -> Path:
    """Return the one file of that name; raise if there are none, or several."""
    (found,) = directory.glob(pattern)
    return found


def main() -> None:
    """Try each way; stop at the first that fails."""
    others = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="gopool-packaging-") as name:
        place = Path(name)
        tree, dist = place / "tree", place / "dist"
        copy_tree(tree)
        builder = make_environment(place / "builder")
        run(builder, "-m", "pip", "install", "--quiet", "build")

        def installed(label: str, install: Callable[[Path], None], python: str) -> None:
            print(f"{label}, {python}", flush=True)
            own = Path(tempfile.mkdtemp(dir=place))
            environment = make_environment(own / "env", python)
            install(environment)
            try_out(environment, own / "empty")

        def pip_install(*what: str | Path) -> Callable[[Path], None]:
            return lambda python: run(python, "-m", "pip", "install", "--quiet", *what)

        run(builder, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", dist, tree)
        wheel = only(dist, "*.whl")
        for python in [sys.executable, *others]:
            installed("wheel", pip_install(wheel), python)
        run(builder, "-m", "build", "--sdist", "--outdir", dist, tree)
        installed("sdist", pip_install(only(dist, "*.tar.gz")), sys.executable)
        installed("editable", pip_install("-e", tree), sys.executable)
    print("all ways of installing work")


if __name__ == "__main__":
    main()
