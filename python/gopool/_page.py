"""The memory that a worker shares with the pool: what it does now, and results not sent yet.

It outlives the worker, so that the pool knows which task a dead worker was in,
and loses none of the results that it had finished. gopool/page.go has the same
numbers, and the argument why no task is lost or run twice.
"""

from __future__ import annotations

import mmap

SIZE = 1 << 16

# Slots of 8 bytes, by index.
STARTED = 0  # ours: number of the task started last
RECALLED = 1  # the pool's: tasks from this number on are not ours any more
FIRST = 2  # ours: number of the first result in the outbox
PUBLISHED = 3  # ours: results in the outbox << 32 | bytes of them; of a column: results
ENCODING = 4  # ours: `_wire.STREAM`, or that of the column in the outbox
BEGAN = 5  # ours: when the grant began that we are in, in ns; it tells how long a task takes
SIGNAL = 6  # ours: the signal that has us write our stacks (`_traces`), or 0; for `dump`
SEPARATE = 7  # ours: 1 once we hold nothing of the parent's

LENGTHS_START = 256
MAX_RESULTS = 2048
DATA_START = LENGTHS_START + 8 * MAX_RESULTS
COLUMN_START = LENGTHS_START  # a column has no lengths
MAX_NONES = 4096  # of a column that takes no bytes
MAX_DATA = SIZE - DATA_START


class Page:
    """The page behind a file descriptor, which is closed."""

    def __init__(self, memory: mmap.mmap) -> None:
        view = memoryview(memory)
        self.slots = view[:LENGTHS_START].cast("Q")
        self.lengths = view[LENGTHS_START:DATA_START].cast("Q")
        self.data = view[DATA_START:]
        self.column = view[COLUMN_START:]
