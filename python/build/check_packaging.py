"""Install gopool in each way that is documented, and use it from somewhere else each time.

    python python/build/check_packaging.py [another Python ...]

A wheel, an sdist and an editable installation of a copy of the tree: each goes into a virtual
environment of its own, and a program that runs a pool is started in an empty directory. Then a Go
package is built there, and run; and a wheel of it is installed where there is no other gopool than
its wheel. gopool's wheel is also tried with each other Python that is named, which has to be of the
same version: one with a static libpython, say, where this one's is shared. Everything is in a
temporary directory. Takes a few minutes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
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

GO_PACKAGE = {
    "go.mod": "module example.com/words\n\ngo 1.26\n",
    "words.go": """
// Package words counts words.
package words

import "strings"

// Count returns how many words a text has.
func Count(text string) int { return len(strings.Fields(text)) }
""",
}

GO_PROGRAM = """
import gopool
import words

if __name__ == "__main__":
    assert words.Count("a b c") == 3
    with gopool.GoPool(2) as pool:
        assert pool.map(words.Count, ["a b", "c"] * 50) == [2, 1] * 50
    print(f"  {words.__file__}")
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


def try_out(python: Path, directory: Path, program: str) -> None:
    """Run a program where nothing of this tree can be imported by chance."""
    directory.mkdir()
    (directory / "program.py").write_text(program)
    run(python, "program.py", cwd=directory)


def build_go_package(python: Path, directory: Path) -> Path:
    """Build a Go package, try it where it was built, and return a wheel of it."""
    sources = directory / "sources" / "words"
    sources.mkdir(parents=True)
    for name, content in GO_PACKAGE.items():
        (sources / name).write_text(content)
    gopool = python.with_name("gopool")
    run(gopool, "build", sources, "--output", directory / "built")
    (directory / "built" / "program.py").write_text(GO_PROGRAM)
    run(python, "program.py", cwd=directory / "built")
    run(gopool, "build", sources, "--wheel", cwd=directory)
    return only(directory / "dist", "*.whl")


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

        def installed(label: str, *what: str | Path, python: str = sys.executable) -> Path:
            """Install gopool with what builds Go packages; return a Go package's wheel."""
            print(f"{label}, {python}", flush=True)
            own = Path(tempfile.mkdtemp(dir=place))
            environment = make_environment(own / "env", python)
            run(environment, "-m", "pip", "install", "--quiet", *what)
            try_out(environment, own / "empty", PROGRAM)
            return build_go_package(environment, own)

        run(builder, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", dist, tree)
        wheel = only(dist, "*.whl")
        for python in [sys.executable, *others]:
            words = installed("wheel", f"{wheel}[build]", python=python)
            print(f"wheel of a Go package, {python}", flush=True)
            own = Path(tempfile.mkdtemp(dir=place))
            environment = make_environment(own / "env", python)
            run(environment, "-m", "pip", "install", "--quiet", wheel, words)
            try_out(environment, own / "empty", GO_PROGRAM)
        run(builder, "-m", "build", "--sdist", "--outdir", dist, tree)
        installed("sdist", f"{only(dist, '*.tar.gz')}[build]")
        installed("editable", "-e", f"{tree}[build]")
    print("all ways of installing work")


if __name__ == "__main__":
    main()
