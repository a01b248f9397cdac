"""The example examples/go/accesslog: a parser of texts, written in Go."""

from __future__ import annotations

import importlib

from poolbench.examples import EXAMPLES, as_dict, beside_others
from poolbench.libraries import REFERENCE
from poolbench.libraries.library import Library
from poolbench.scenario import Figures, check, scenario
from poolbench.work import Work

WORKERS = 2
LINES = 22_000  # in a chunk: about four megabytes


@scenario(
    "go-accesslog",
    *beside_others("throughput", "MB/s"),
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
    summaries = map(as_dict, results)
    whole = sum(summary["requests"] + summary["malformed"] for summary in summaries)
    check(whole == len(lines), "summaries of a log")
    return {"throughput": sum(map(len, chunks)) / 1e6 / seconds}
