"""Results that a worker has not sent: in the page, where they outlive the worker.

Sending costs a system call, so results are sent together: when the worker has
nothing else to do, after a while, and when the page is full. What they cost
until then is a few stores to memory for each.
"""

from __future__ import annotations

import pickle

from . import _codec, _page, _wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

#: Results wait for so many ns at most while other tasks follow.
REPORT_INTERVAL = 1_000_000

#: So many results of one grant are sent by themselves, as a list if they can be.
WORTHWHILE = 64


class Outbox:
    """The outbox in `page` of a worker that speaks to the pool by `sock`."""

    def __init__(self, sock: socket.socket, page: _page.Page) -> None:
        self._socket = sock
        self._slots = page.slots
        self._lengths = page.lengths
        self._data = page.data
        self._count = 0
        self._size = 0
        self._since = 0  # when the first of the tasks began
        self._last = 0  # when the last of them ended
        # The results again, while all are atoms and of one grant: the pool's
        # caller decodes one list much sooner than many records.
        self._values: list[Any] | None = []

    def resume(self, now: int) -> None:
        """Say that a grant's tasks begin now."""
        if self._count >= WORTHWHILE:
            self.flush()
        if self._count:
            self._values = None
        else:
            self._since = self._last = now

    def add_atom(self, sequence: int, value: Any, now: int) -> None:
        """Keep the result of a task, which is of one of `_codec.ATOMS`."""
        self._keep(sequence, pickle.dumps(value, _codec.PROTOCOL), 0, now)
        if self._values is not None and self._count:
            self._values.append(value)

    def add(self, sequence: int, record: bytes, mark: int, now: int) -> None:
        """Keep the encoded outcome of a task, with the mark for its length."""
        self._keep(sequence, record, mark, now)
        self._values = None

    def _keep(self, sequence: int, record: bytes, mark: int, now: int) -> None:
        size = len(record)
        end = self._size + size
        if (
            end > _page.MAX_DATA
            or self._count == _page.MAX_RESULTS
            or self._last - self._since > REPORT_INTERVAL
        ):
            self.flush()
            end = size
            if size > _page.MAX_DATA:
                self._send_large(sequence, record, mark, now)
                return
        slots = self._slots
        if not self._count:
            slots[_page.FIRST] = sequence
        self._data[end - size : end] = record
        self._lengths[self._count] = size | mark
        self._count += 1
        self._size = end
        slots[_page.ELAPSED] = now - self._since
        slots[_page.PUBLISHED] = self._count << 32 | end
        self._last = now

    def flush(self) -> None:
        """Send what is here."""
        count = self._count
        if count:
            head = _wire.OUTCOMES.pack(self._slots[_page.FIRST], count, self._last - self._since)
            if self._values is not None and count > 1:
                body, encoding = pickle.dumps(self._values, _codec.PROTOCOL), _wire.LIST
            else:
                body = self._lengths[:count].tobytes() + bytes(self._data[: self._size])
                encoding = _wire.STREAM
            _wire.send(self._socket, _wire.RESULTS, head + body, encoding)
            # Only now: had we died before, the pool would have found them here.
            self._slots[_page.PUBLISHED] = 0
            self._count = self._size = 0
            self._since = self._last
        self._values = []

    def _send_large(self, sequence: int, record: bytes, mark: int, now: int) -> None:
        """Send one outcome that the page can't hold, in place of all of the outbox."""
        head = _wire.OUTCOMES.pack(sequence, 1, now - self._since)
        head += _wire.NUMBER.pack(len(record) | mark)
        size = len(head) + len(record)
        self._socket.sendall(_wire.HEADER.pack(_wire.RESULTS, _wire.STREAM, size) + head)
        self._socket.sendall(record)
        self._since = self._last = now
