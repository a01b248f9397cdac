"""The example examples/go/accesslog: its Go functions come to the same results as its twin."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from support.go_build import EXAMPLES, GoPackages, import_of_example

import gopool

pytestmark = pytest.mark.gopool_only("multiprocessing runs no Go functions")

LINES = 1000

#: Whole lines that make a parser think, and some that are not in the format.
ODD = (
    rb"""
::1 - a [31/Dec/2024:23:59:59 -0130] "GET / HTTP/1.0" 200 - "-" "a \"b\" \\" 0
::1 - a [29/Feb/2024:00:00:00 +0000] "GET /a b HTTP/1.1" 404 1 "" "" 2
::1 - - [01/Jan/1999:00:00:00 +0000] "-" 408 - "-" "-" 86400000000
::1 - - [29/Feb/2023:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-" 1
::1 - - [29/Feb/2024:00:00:60 +0000] "GET / HTTP/1.1" 200 1 "-" "-" 1
::1 - - [29/Feb/2024:00:00:00 +0000] "GET / HTTP/1.1\" 200 1 "-" "-" 1
::1 - - [29/Feb/2024:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-" 1 2
caf"""
    b'\xe9 - - [01/Mar/2024:00:00:00 +0000] "GET /caf\xc3\xa9 HTTP/1.1" 200 7 "-" "\xff" 12'
)


@pytest.fixture(scope="session")
def accesslog(go_packages: GoPackages) -> Any:
    package = go_packages.build(EXAMPLES / "go" / "accesslog")
    package.Parse(b"")  # Go's runtime starts, and opens what it keeps open
    return package


@pytest.fixture(scope="session")
def twin() -> Any:
    return import_of_example("accesslog", "twin")


@pytest.fixture(scope="session")
def lines() -> list[bytes]:
    return [line.encode() for line in import_of_example("accesslog", "generate").generate(LINES)]


def test_entries(accesslog: Any, twin: Any, lines: list[bytes]) -> None:
    whole = b"".join(line for line in lines if twin.LINE.match(line.decode()))
    entries = accesslog.Parse(whole)
    assert len(entries) > 0.99 * LINES
    assert [*map(asdict, entries)] == [*map(asdict, twin.parse(whole))]


def test_summaries(accesslog: Any, twin: Any, lines: list[bytes]) -> None:
    chunks = [b"".join(lines[start::4]) for start in range(4)] + [ODD, b"", b"\n"]
    with gopool.GoPool(2) as pool:
        ours = pool.map(accesslog.Summarize, chunks)
    theirs = [*map(twin.summarize, chunks)]
    assert [*map(asdict, ours)] == [*map(asdict, theirs)]
    assert sum(summary.requests + summary.malformed for summary in ours) == LINES + 9 + 1


def test_a_line_that_is_not_in_the_format(accesslog: Any, twin: Any, lines: list[bytes]) -> None:
    """Both name it in the same words."""
    broken = b"".join(lines[:3]) + b"no line of a log\n"
    with pytest.raises(ValueError, match="line 4") as theirs:
        twin.parse(broken)
    with pytest.raises(gopool.GoError) as ours:
        accesslog.Parse(broken)
    assert str(ours.value) == str(theirs.value).replace("'", '"')
