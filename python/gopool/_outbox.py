"""Results that a worker has not sent: in the page, where they outlive the worker.

Sending costs a system call, so results are sent together: when the worker has
nothing else to do, after a while, and when the page is full. What they cost
until then is a few stores to memory for each.

Results of a type that has a fixed width stand in a column, as long as all are
of that type: the worker stores them there itself (`_Worker._run`). All others are
records, one pickle each.
"""

from __future__ import annotations

import pickle
import time

from . import _arena, _codec, _packer, _page, _wire
from ._packer import Packer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

#: Results wait for so many ns at most before a next grant is begun.
REPORT_INTERVAL = 1_000_000

#: So many results are sent before a next grant is begun.
WORTHWHILE = 64

_RESULT_SIZE = _wire.RESULT.size - _wire.HEADER.size

_ENCODINGS = {int: _wire.INTS, float: _wire.FLOATS, bool: _wire.BOOLS, type(None): _wire.NONES}


class Outbox:
    """The outbox in `page` of a worker that speaks to the pool by `sock`."""

    def __init__(self, sock: socket.socket, page: _page.Page) -> None:
        self._socket = sock
        self._slots = page.slots
        self._lengths = page.lengths
        self._data = page.data
        self._bytes = page.column
        # What `column` returns for each type. Of None nothing need be stored: a list
        # takes it, and no more than the pool believes.
        self._columns: dict[type, Any] = {
            kind: page.column.cast(_wire.COLUMNS[encoding])
            for kind, encoding in _ENCODINGS.items()
            if encoding in _wire.COLUMNS
        }
        self._columns[type(None)] = [None] * _page.MAX_NONES
        #: Whether results that can't be sent by name are sent by value is its to know.
        self.packer = Packer(_arena.results, None, by_value=False, mentioning=False)
        self._count = 0
        self._size = 0
        self._since = 0  # when the first of the tasks began, in ns
        self._kind: type | None = None  # of the column; None: records
        self._mixed = False  # records until the grant ends: its results are of several types
        # The records again, while all are atoms and of one grant: the pool's
        # caller decodes one list much sooner than many records.
        self._values: list[Any] | None = []

    def resume(self, now: int) -> None:
        """Say that a grant's tasks begin now."""
        self._mixed = False
        if self._count >= WORTHWHILE or now - self._since > REPORT_INTERVAL:
            self.flush()
        if self._count:
            self._values = None
        else:
            self._since = now

    def column(self) -> tuple[type | None, Any, int]:
        """Return which results the caller may store, in what, and at which number the next.

        It publishes each before the next task starts: `slots[PUBLISHED]` is how many
        there are. What does not fit goes to `add`, as anything does if the type is None.
        """
        return self._kind, self._columns.get(self._kind), self._count  # type: ignore[arg-type]

    def stored(self, count: int) -> None:
        """Say that so many results are in the column."""
        self._count = count

    def add(self, sequence: int, value: Any) -> None:
        """Keep a result. One that can't be pickled becomes the failure that says so."""
        kind = type(value)
        if self._kind is not None:
            self._mixed = kind is not self._kind or self._mixed
            self.flush()  # it is full, or of another type
        can_begin = not self._count and not self._mixed and kind in _ENCODINGS
        if can_begin and self._begin_column(kind, sequence, value):
            return
        if kind in _codec.ATOMS and not _codec.is_large(value):
            self._keep(sequence, pickle.dumps(value, _packer.PROTOCOL), 0)
            if self._values is not None and self._count:
                self._values.append(value)
            return
        self._values = None
        self._mixed = True
        try:
            packed, mark = self.packer.pack(value), 0
        except SystemExit:
            raise
        except BaseException as reason:
            from . import _failure

            packed, mark = _failure.encode_unsendable(reason, value), _wire.FAILURE_BIT
        if isinstance(packed, bytes):
            self._keep(sequence, packed, mark)
        else:
            self._keep(sequence, packed.record, _wire.LENT_BIT)
            packed.sent()

    def add_failure(self, sequence: int, error: BaseException) -> None:
        """Keep what a task raised."""
        from . import _failure

        if self._kind is not None:
            self.flush()
        self._mixed = True
        self._values = None
        mark = _wire.FAILURE_BIT
        if type(error) is _failure.Again:
            error = error.last()  # for the case that it is: only the pool knows
            mark |= _wire.RETRY_BIT
        self._keep(sequence, _failure.encode(error, self.packer.may_go_by_value), mark)

    def _begin_column(self, kind: type, sequence: int, value: Any) -> bool:
        """Begin a column with a result, unless that is too large for it."""
        try:
            self._columns[kind][0] = value
        except ValueError:
            return False
        slots = self._slots
        slots[_page.ENCODING] = _ENCODINGS[kind]
        slots[_page.FIRST] = sequence
        slots[_page.PUBLISHED] = 1
        self._kind = kind
        self._count = 1
        return True

    def _keep(self, sequence: int, record: bytes, mark: int) -> None:
        size = len(record)
        end = self._size + size
        if end > _page.MAX_DATA or self._count == _page.MAX_RESULTS:
            self.flush()
            end = size
            if size > _page.MAX_DATA:
                self.send(sequence, record, self._since, mark)
                return
        slots = self._slots
        if not self._count:
            slots[_page.ENCODING] = _wire.STREAM
            slots[_page.FIRST] = sequence
        self._data[end - size : end] = record
        self._lengths[self._count] = size | mark
        self._count += 1
        self._size = end
        slots[_page.PUBLISHED] = self._count << 32 | end

    def flush(self) -> None:
        """Send what is here."""
        count = self._count
        if count:
            now = time.monotonic_ns()
            head = _wire.OUTCOMES.pack(self._slots[_page.FIRST], count, now - self._since, now)
            body, encoding = self._encode(count)
            _wire.send(self._socket, _wire.RESULTS, head + body, encoding)
            # Only now: had we died before, the pool would have found them here.
            self._slots[_page.PUBLISHED] = 0
            self._count = self._size = 0
            self._since = now
            self._kind = None
        self._values = []

    def _encode(self, count: int) -> tuple[bytes, int]:
        if self._kind is not None:
            encoding = _ENCODINGS[self._kind]
            if encoding == _wire.NONES:
                return b"", encoding
            return bytes(self._bytes[: count * self._columns[self._kind].itemsize]), encoding
        if self._values is not None and count > 1:
            return pickle.dumps(self._values, _packer.PROTOCOL), _wire.LIST
        return self._lengths[:count].tobytes() + bytes(self._data[: self._size]), _wire.STREAM

    def send(self, sequence: int, record: bytes, since: int, mark: int = 0) -> None:
        """Send one outcome, encoded, past the outbox, which is empty.

        The task began at `since`, in ns.
        """
        now = self._since = time.monotonic_ns()
        size = len(record)
        head = _wire.RESULT.pack(
            _wire.RESULTS,
            _wire.STREAM,
            _RESULT_SIZE + size,
            sequence,
            1,
            now - since,
            now,
            size | mark,
        )
        if size <= _page.MAX_DATA:
            self._socket.sendall(head + record)
        else:
            _wire.send_bytes(self._socket, head)
            _wire.send_bytes(self._socket, record)
