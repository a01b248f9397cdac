"""Large payloads: how fast bytes travel to the workers and back."""

from __future__ import annotations

import os
import time
from typing import Any

from poolbench.libraries.library import Library
from poolbench.procfs import MEGABYTE
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2
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
    return {"in and out": walk(library, os.urandom(PAYLOAD_MEGABYTES * MEGABYTE), size)}


def walk(library: Library, payload: Any, size: int) -> float:
    """Send a payload so many times and walk the results; return MB/s, in and out together."""
    sent = memoryview(payload).cast("B")
    with library.open_warm(WORKERS) as pool:
        for result in pool.imap(noop, [payload] * 4, 1):  # memory is there from now on
            check(memoryview(result).cast("B") == sent, "imap of large payloads")
        count = 0
        start = time.perf_counter()
        for result in pool.imap(noop, [payload] * size, 1):
            check(memoryview(result).cast("B")[-8:] == sent[-8:], "imap of large payloads")
            count += 1
        elapsed = time.perf_counter() - start
    check(count == size, "imap of large payloads")
    return 2 * size * len(sent) / MEGABYTE / elapsed
