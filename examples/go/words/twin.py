"""What the Go package does, in Python, and what to do it on."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
ENGLISH = "and are but can for from has have its not that the this was with you"
PYTHON = "class def elif else import none return self"
COMMON = frozenset(f"{ENGLISH} {PYTHON}".split())


@dataclass
class Term:
    Text: str
    Count: int
    Line: int


@dataclass
class Summary:
    Path: str
    Lines: int
    Words: int
    Terms: int
    Top: list[Term]


def summarize(path: str, top: int) -> Summary:
    """Read a file and name its most frequent terms."""
    lines = words = 0
    counts: Counter[str] = Counter()
    first: dict[str, int] = {}
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        for lines, line in enumerate(file, 1):
            for word in WORD.findall(line):
                words += 1
                lowered = word.lower()
                if len(lowered) > 2 and lowered not in COMMON:
                    term = singular(lowered)
                    counts[term] += 1
                    first.setdefault(term, lines)
    most = heapq.nsmallest(top, counts.items(), key=lambda item: (-item[1], item[0]))
    return Summary(path, lines, words, len(counts), [Term(t, n, first[t]) for t, n in most])


def singular(word: str) -> str:
    """Make "entry" of "entries" and "word" of "words"."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def find_texts(directory: Path) -> list[str]:
    """Return the paths of all Python and text files below a directory."""
    return sorted(
        str(path)
        for path in directory.rglob("*")
        if path.suffix in {".py", ".rst", ".txt"}
        and not {"site-packages", "dist-packages"}.intersection(path.parts)
    )
