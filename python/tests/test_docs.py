"""The Python examples of the documentation run as they are printed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import pytest
from support.programs import ROOT, Program

pytestmark = pytest.mark.gopool_only("the documentation is about gopool")

FENCE = re.compile(r"^(?P<indent> *)```python *\n(?P<body>.*?)^(?P=indent)``` *$", re.M | re.S)
OUTPUT = re.compile(r"#\s*(?:->|→|prints)\s*(?P<text>.*)$", re.M)


def snippets() -> list[tuple[str, str]]:
    """Return name and source of every Python block in README.md and below docs/."""
    found = []
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]:
        if not file.exists():
            continue
        text = file.read_text()
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            indent = len(match["indent"])
            body = "".join(row[indent:] for row in match["body"].splitlines(keepends=True))
            found.append((f"{file.relative_to(ROOT)}:{line}", body))
    return found


SNIPPETS = snippets()


@pytest.mark.parametrize("source", [s for _, s in SNIPPETS], ids=[name for name, _ in SNIPPETS])
def test_the_example_runs(start_program: Callable[..., Program], source: str) -> None:
    """It ends with status 0, silently on stderr, and prints what its ``# ->`` comments promise."""
    outcome = start_program(source).outcome()
    assert outcome.stderr == ""
    assert outcome.status == 0
    promised = [match["text"].strip() for match in OUTPUT.finditer(source)]
    if promised:
        assert outcome.stdout.splitlines() == promised


def test_the_readme_has_an_example() -> None:
    """The first thing a reader sees is a program."""
    assert any(name.startswith("README.md:") for name, _ in SNIPPETS)


@pytest.mark.parametrize("source", [s for _, s in SNIPPETS], ids=[name for name, _ in SNIPPETS])
def test_examples_protect_their_main_module(source: str) -> None:
    """A program that starts a pool does so below ``if __name__ == "__main__"``, or spawn fails."""
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If)):
            continue
        assert "Pool(" not in ast.unparse(node), "Pool at the top level of a program"
