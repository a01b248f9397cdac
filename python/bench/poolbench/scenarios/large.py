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
    "bytes-4MB",
    Line("in and out", "MB/s", "higher", target=Target("at least", 4)),
    size=100,
    quick_size=20,
)
def bytes_4mb(library: Library, size: int) -> Figures:
    """Walk the results of ``imap`` of a no-op over ``bytes`` of 4 MB; count MB in and out.

    Copies and system calls are the cost here, not dispatch.
    """
    payload = os.urandom(PAYLOAD_MEGABYTES * MEGABYTE)
    with library.open_warm(WORKERS) as pool:
        for result in pool.imap(noop, [payload] * 4, 1):  # memory is there from now on
            check(result == payload, "imap of large bytes")
        count = 0
        start = time.perf_counter()
        for result in pool.imap(noop, [payload] * size, 1):
            check(result[-8:] == payload[-8:], "imap of large bytes")
            count += 1
        elapsed = time.perf_counter() - start
    check(count == size, "imap of large bytes")
    return {"in and out": 2 * size * PAYLOAD_MEGABYTES / elapsed}
