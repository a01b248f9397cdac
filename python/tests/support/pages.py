"""The pages of the documentation, and what is printed on them in Python and Go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.programs import ROOT

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>python|go) *\n(?P<body>.*?)^(?P=indent)``` *$", re.M | re.S
)
_CLAUSE = re.compile(r"^package (?P<name>\w+)$", re.M)


@dataclass(frozen=True)
class Snippet:
    """A block of code on a page, which is named as from the root of the tree."""

    page: str
    line: int
    source: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def snippets(language: str) -> list[Snippet]:
    """Return the blocks in a language, in README.md and below docs/."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
    return [snippet for file in files for snippet in _snippets_in(file, language)]


def _snippets_in(file: Path, language: str) -> Iterator[Snippet]:
    text = file.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        if match["language"] == language:
            line = text.count("\n", 0, match.start()) + 1
            indent = len(match["indent"])
            body = "".join(row[indent:] for row in match["body"].splitlines(keepends=True))
            yield Snippet(str(file.relative_to(ROOT)), line, body)


def write_go_packages(page: str, module: Path) -> list[Path]:
    """Write the Go packages of a page to a module, each a block, and return their directories."""
    directories = []
    for snippet in snippets("go"):
        clause = _CLAUSE.search(snippet.source)
        if snippet.page == page and clause:
            directory = module / clause["name"]
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "page.go").write_text(snippet.source, encoding="utf-8")
            directories.append(directory)
    if directories:
        (module / "go.mod").write_text("module example.org/docs\n\ngo 1.26.0\n", encoding="utf-8")
    return directories
