"""The example examples/go/words: an index of Python's own library."""

from __future__ import annotations

import importlib
import sysconfig
from pathlib import Path

from poolbench.examples import EXAMPLES, as_dict, beside_others
from poolbench.libraries import REFERENCE
from poolbench.libraries.library import Library
from poolbench.scenario import Figures, check, scenario
from poolbench.work import Work

twin = importlib.import_module("go.words.twin")

WORKERS = 2
TOP = 5
CHECK_EVERY = 20
WORDS = Work(EXAMPLES / "go/words", "Summarize", twin.summarize, program="words")


@scenario(
    "go-words",
    *beside_others("throughput", "words/s"),
    size=8,
    quick_size=2,
    peer_size=0,
    sizes={REFERENCE: 1},
)
def go_words(library: Library, size: int) -> Figures:
    """Count the terms of all files of Python's own library, one file a task, 2 workers.

    That is the example examples/go/words. The whole is done as often as the size says.
    """
    items = [(path, TOP) for path in twin.find_texts(Path(sysconfig.get_path("stdlib")))]
    for path, _ in items:
        Path(path).read_bytes()  # the system has it in memory from now on
    seconds, results = library.time_map(WORDS, items * size, WORKERS)
    summaries = [as_dict(result) for result in results]
    for item, summary in list(zip(items, summaries, strict=False))[::CHECK_EVERY]:
        check(summary == as_dict(WORDS.twin(*item)), f"the summary of {item[0]}")
    return {"throughput": sum(summary["Words"] for summary in summaries) / seconds}
