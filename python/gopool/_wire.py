"""The frames between the pool and a worker: the worker's half of gopool/wire/frame.go."""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

# Kinds of frame.
FUNCTION, RUN, FORGET, STOP, TRIM, READY, RESULTS, SKIPPED, FAILED, TRIMMED, RETIRE = range(1, 12)

#: Neither side sends more at a time, and each has room for as much when it receives: the
#: socket keeps packets apart, and loses what does not fit (gopool/packets.go).
MAX_PACKET = 1 << 16

# Marks of a RUN frame: the batch comes with it; what is finished is sent before it begins.
CARRIED, REPORT = 1, 2

# Encodings of results. The caller alone sees LOST, CANCELLED, and LOCAL: what it has kept itself.
LIST, STREAM, LOST, LOCAL = range(4)
CANCELLED = 8
PACKED = 9  # of Go functions, by msgpack

# Results that are all of one type, none a failure: the encoding of such a column, and
# the format of its items (struct). None has no bytes: there is only one.
INTS, FLOATS, BOOLS, NONES = range(4, 8)
COLUMNS: dict[int, Any] = {INTS: "q", FLOATS: "d", BOOLS: "?"}

# Of a length in a STREAM.
FAILURE_BIT = 1 << 63  # the outcome is an exception
LENT_BIT = 1 << 62  # it is in a slab, and here is where: `_lender.load`
RETRY_BIT = 1 << 61  # of an exception: the task may be run again for it
MARKS = FAILURE_BIT | LENT_BIT | RETRY_BIT

HEADER = struct.Struct("<IIQ")  # kind, aux, size of what follows
SPAN = struct.Struct("<QQQII")  # sequence, function, batch, offset, count
NUMBER = struct.Struct("<Q")  # id of a function
OUTCOMES = struct.Struct("<QQQQ")  # first, count, elapsed, ended
RANGE = struct.Struct("<QQ")  # first, count

TASK = struct.Struct("<IIQQQQII")  # HEADER and SPAN: the head of a RUN frame
RESULT = struct.Struct("<IIQQQQQQ")  # HEADER, OUTCOMES, length: the head of a RESULTS frame of one


def send(sock: socket.socket, kind: int, payload: bytes, aux: int = 0) -> None:
    """Send a frame. Blocks until the system has taken it."""
    send_bytes(sock, HEADER.pack(kind, aux, len(payload)) + payload)


def send_bytes(sock: socket.socket, data: bytes) -> None:
    """Send a frame, or a part of one, as it is."""
    if len(data) <= MAX_PACKET:
        sock.sendall(data)
        return
    view = memoryview(data)
    for start in range(0, len(view), MAX_PACKET):
        sock.sendall(view[start : start + MAX_PACKET])


class Inbox:
    """Reads frames from a socket.

    `before_wait` is called each time before the process waits for the pool.
    """

    def __init__(self, sock: socket.socket, before_wait: Callable[[], None]) -> None:
        self._socket = sock
        self._descriptor = sock.fileno()
        self._before_wait = before_wait
        self._data = b""
        self._start = 0  # of what `next` has not returned

    def is_empty(self) -> bool:
        """Tell whether nothing is here that `next` has not returned."""
        return self._start == len(self._data)

    def receive(self) -> bytes:
        """Wait for some bytes and return them. They are not for `next`, unless put back.

        Raises EOFError if the pool is gone.
        """
        data = os.read(self._descriptor, MAX_PACKET)
        if not data:
            raise EOFError
        return data

    def put_back(self, data: bytes) -> None:
        """Leave to `next` what was received while it had nothing."""
        self._data, self._start = data, 0

    def next(self) -> tuple[int, int, memoryview]:
        """Return kind, aux and payload of the next frame. Blocks.

        Raises EOFError if the pool is gone.
        """
        self._fill(HEADER.size)
        kind, aux, size = HEADER.unpack_from(self._data, self._start)
        self._start += HEADER.size
        if size > MAX_PACKET:
            return kind, aux, self._large(size)
        self._fill(size)
        start = self._start
        self._start += size
        return kind, aux, memoryview(self._data)[start : self._start]

    def _fill(self, size: int) -> None:
        """Wait until `size` bytes are here from `_start` on."""
        missing = size - (len(self._data) - self._start)
        if missing <= 0:
            return
        parts = [self._data[self._start :]]
        self._before_wait()
        while missing > 0:
            part = self.receive()
            missing -= len(part)
            parts.append(part)
        self.put_back(b"".join(parts))

    def _large(self, size: int) -> memoryview:
        # With room for a packet that begins here and ends behind it.
        payload = memoryview(bytearray(size + MAX_PACKET))
        rest = self._data[self._start : self._start + size]
        held = len(rest)
        payload[:held] = rest
        self._start += held
        while held < size:
            count = self._socket.recv_into(payload[held:])
            if count == 0:
                raise EOFError
            held += count
        if held > size:
            self.put_back(bytes(payload[size:held]))
        return payload[:size]
