"""The Python examples of the documentation run as they are printed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from support.go_build import build
from support.pages import Snippet, snippets, write_go_packages
from support.programs import Program

pytestmark = pytest.mark.gopool_only("the documentation is about gopool")

OUTPUT = re.compile(r"#\s*(?:->|→|prints)\s*(?P<text>.*)$", re.M)

HURRIED = re.compile(r"timeout=0\.")
"""Tasks have less than a second: on a busy machine one may be held up for as long."""

TRIES = 3

SNIPPETS = snippets("python")

each_snippet = pytest.mark.parametrize("snippet", SNIPPETS, ids=[each.name for each in SNIPPETS])


@pytest.fixture(scope="session")
def go_packages_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return the directory with the Go packages of a page, which its first program has built."""
    assert request.config.cache is not None
    # Always the same, as what was built in an earlier session is known by its sources' directory.
    sources = request.config.cache.mkdir("docs")

    @cache
    def built(page: str) -> Path:
        directory = tmp_path_factory.mktemp("docs")
        for package in write_go_packages(page, sources / page):
            build(package, directory)
        return directory

    return built


@each_snippet
def test_the_example_runs(
    start_program: Callable[..., Program],
    go_packages_of: Callable[[str], Path],
    snippet: Snippet,
) -> None:
    """It ends with status 0, silently on stderr, and prints what its ``# ->`` comments promise."""
    promised = [match["text"].strip() for match in OUTPUT.finditer(snippet.source)]
    for _ in range(TRIES if HURRIED.search(snippet.source) else 1):
        program = start_program(snippet.source, packages=go_packages_of(snippet.page))
        outcome = program.outcome()
        assert outcome.stderr == ""
        assert outcome.status == 0
        if not promised or outcome.stdout.splitlines() == promised:
            return
    assert outcome.stdout.splitlines() == promised


def test_the_readme_has_an_example() -> None:
    """The first thing a reader sees is a program."""
    assert any(snippet.page == "README.md" for snippet in SNIPPETS)


@each_snippet
def test_examples_protect_their_main_module(snippet: Snippet) -> None:
    """A program that starts a pool does so below ``if __name__ == "__main__"``, or spawn fails."""
    for node in ast.parse(snippet.source).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If)):
            continue
        assert "Pool(" not in ast.unparse(node), "Pool at the top level of a program"
