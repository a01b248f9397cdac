"""Large payloads: how fast bytes travel to the workers and back."""

from __future__ import annotations

import os
import time

from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2
MEGABYTE = 1_000_000
PAYLOAD_MEGABYTES = 4


@scenario(
    "large-bytes",
    Line("in and out", "MB/s", "higher", target=Target("at least", 4)),
    size=40,
    quick_size=10,
)
def large_bytes(library: Library, size: int) -> Figures:
    """Map a no-op over ``bytes`` of 4 MB, ``chunksize=1``, 2 workers; count MB in and out.

    Copies and system calls are the cost here, not dispatch.
    """
    payload = os.urandom(PAYLOAD_MEGABYTES * MEGABYTE)
    with library.open_warm(WORKERS) as pool:
        start = time.perf_counter()
        results = pool.map(noop, [payload] * size, 1)
        elapsed = time.perf_counter() - start
    check(len(results) == size and all(r == payload for r in results), "map of large bytes")
    return {"in and out": 2 * size * PAYLOAD_MEGABYTES / elapsed}
