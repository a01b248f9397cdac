"""The frames between the pool and a worker: the worker's half of gopool/wire/frame.go."""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

# Kinds of frame.
FUNCTION, RUN, FORGET, STOP, READY, RESULTS, SKIPPED, FAILED = range(1, 9)

CARRIED = 1  # of a RUN frame: the batch comes with it

# Encodings of results. The caller alone sees LOST, and LOCAL: what it has kept itself.
LIST, STREAM, LOST, LOCAL = range(4)

# Results that are all of one type, none a failure: the encoding of such a column, and
# the format of its items (struct). None has no bytes: there is only one.
INTS, FLOATS, BOOLS, NONES = range(4, 8)
COLUMNS: dict[int, Any] = {INTS: "q", FLOATS: "d", BOOLS: "?"}

FAILURE_BIT = 1 << 63  # of a length in a STREAM: the outcome is an exception

HEADER = struct.Struct("<IIQ")  # kind, aux, size of what follows
SPAN = struct.Struct("<QQQII")  # sequence, function, batch, offset, count
NUMBER = struct.Struct("<Q")  # id of a function
OUTCOMES = struct.Struct("<QQQ")  # first, count, elapsed
RANGE = struct.Struct("<QQ")  # first, count

TASK = struct.Struct("<IIQQQQII")  # HEADER and SPAN: the head of a RUN frame
RESULT = struct.Struct("<IIQQQQQ")  # HEADER, OUTCOMES, length: the head of a RESULTS frame of one


def send(sock: socket.socket, kind: int, payload: bytes, aux: int = 0) -> None:
    """Send a frame. Blocks until the system has taken it."""
    sock.sendall(HEADER.pack(kind, aux, len(payload)) + payload)


class Inbox:
    """Reads frames from a socket.

    `before_wait` is called each time before the process waits for the pool.
    """

    def __init__(self, sock: socket.socket, before_wait: Callable[[], None]) -> None:
        self._socket = sock
        self._before_wait = before_wait
        self.buffer = bytearray(1 << 14)
        self.view = memoryview(self.buffer)
        self._start = 0
        self._end = 0

    def is_empty(self) -> bool:
        """Tell whether nothing is here that `next` has not returned."""
        return self._start == self._end

    def receive(self) -> int:
        """Receive something into `buffer`, while it is empty; return how many bytes. Blocks.

        Raises EOFError if the pool is gone. The bytes are not for `next`, unless
        `put_back` is called.
        """
        size = self._socket.recv_into(self.buffer)
        if size == 0:
            raise EOFError
        return size

    def put_back(self, size: int) -> None:
        """Leave to `next` what `receive` has received."""
        self._start, self._end = 0, size

    def next(self) -> tuple[int, int, memoryview]:
        """Return kind, aux and payload of the next frame. Blocks.

        Raises EOFError if the pool is gone.
        """
        self._fill(HEADER.size)
        kind, aux, size = HEADER.unpack_from(self.buffer, self._start)
        self._start += HEADER.size
        if size > len(self.buffer):
            return kind, aux, self._large(size)
        self._fill(size)
        payload = bytes(self.view[self._start : self._start + size])
        self._start += size
        return kind, aux, memoryview(payload)

    def _fill(self, size: int) -> None:
        """Wait until `size` bytes are in the buffer from `_start` on."""
        missing = size - (self._end - self._start)
        if missing <= 0:
            return
        if self._start + size > len(self.buffer):
            held = self._end - self._start
            self.view[:held] = bytes(self.view[self._start : self._end])
            self._start, self._end = 0, held
        elif self._start == self._end:
            self._start = self._end = 0
        self._before_wait()
        while self._end - self._start < size:
            self._end += self._receive(self.view[self._end :])

    def _large(self, size: int) -> memoryview:
        payload = memoryview(bytearray(size))
        held = min(size, self._end - self._start)
        payload[:held] = self.view[self._start : self._start + held]
        self._start += held
        while held < size:
            held += self._receive(payload[held:])
        return payload

    def _receive(self, into: memoryview) -> int:
        count = self._socket.recv_into(into)
        if count == 0:
            raise EOFError
        return count
