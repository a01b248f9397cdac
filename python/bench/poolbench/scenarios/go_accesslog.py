"""The example examples/go/accesslog: a parser of texts, written in Go."""

from __future__ import annotations

import importlib
from typing import Any

from poolbench.libraries import PURE_GO, REFERENCE
from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.work import EXAMPLES, Work

WORKERS = 2
LINES = 22_000  # in a chunk: about four megabytes


@scenario(
    "go-accesslog",
    Line("throughput", "MB/s", "higher", target=Target("at least", 10)),
    Line("throughput", "MB/s", "higher", PURE_GO, target=Target("at least", 0.8)),
    size=48,
    quick_size=8,
    peer_size=0,
    sizes={REFERENCE: 4},
)
def go_accesslog(library: Library, size: int) -> Figures:
    """Parse the log of a web server and sum it up, chunks of 4 MB, 2 workers.

    A chunk comes back as a summary: traffic by status and path, and what took longest. The twin in
    Python has a regular expression and ``datetime.strptime``.
    """
    twin = importlib.import_module("go.accesslog.twin")
    generate = importlib.import_module("go.accesslog.generate").generate
    work = Work(EXAMPLES / "go/accesslog", "Summarize", twin.summarize, program="accesslog")
    lines = list(generate(LINES * size))
    chunks = [
        "".join(lines[start : start + LINES]).encode() for start in range(0, len(lines), LINES)
    ]
    seconds, results = library.time_map(work, [(chunk,) for chunk in chunks], WORKERS)
    whole = sum(_field(result, "requests") + _field(result, "malformed") for result in results)
    check(whole == len(lines), "summaries of a log")
    return {"throughput": sum(map(len, chunks)) / 1e6 / seconds}


def _field(summary: Any, name: str) -> Any:
    """Return a field of a summary, which comes from the Go program as JSON."""
    return summary[name] if isinstance(summary, dict) else getattr(summary, name)
