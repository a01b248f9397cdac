"""The worker process, start to end: pure Python, as Go does not survive a fork.

main ─▶ initializer ─▶ Ready ─▶ frames of the pool ─▶ run tasks ─▶ outbox ─▶ frames to the pool
                                                         │            │
                                                         └── page ◀───┘
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import pickle
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from . import _codec, _page, _wire
from ._errors import MaybeEncodingError

#: Results wait in the outbox for so many ns at most while other tasks follow.
REPORT_INTERVAL = 1_000_000


def main(
    sock: socket.socket, initializer: Callable[..., object] | None, initargs: tuple[Any, ...]
) -> None:
    """Run in a new process until the pool says stop or is gone.

    The first message on `sock` carries two descriptors: the page, and the
    lifeline (see `die_with`).
    """
    _, descriptors, _, _ = socket.recv_fds(sock, 1, 2)
    if len(descriptors) < 2:
        return  # the pool is gone already
    page_fd, lifeline = descriptors
    die_with(lifeline)
    page = _page.Page(mmap.mmap(page_fd, _page.SIZE))
    os.close(page_fd)
    # Ctrl-C reaches the whole process group; it is the parent's to answer. A
    # handler, unlike SIG_IGN, is not passed on to programs that tasks start.
    signal.signal(signal.SIGINT, lambda *_: None)
    if initializer is not None:
        try:
            initializer(*initargs)
        except Exception:
            # Not printed here: it is in the error of everybody who wants a result.
            _send(sock, _wire.FAILED, traceback.format_exc().encode())
            sys.exit(1)
    with contextlib.suppress(EOFError, ConnectionError):  # the pool is gone: nobody to tell
        _Worker(sock, page).serve()


def die_with(lifeline: int) -> None:
    """Have the kernel kill this process when the other end of a pipe is closed.

    Only the parent holds that end, so it closes when the parent ends, in
    whatever way. A thread that waited for it would not do: it can't run while a
    C function holds the GIL. Linux only (fcntl(2), F_SETSIG).
    """
    if not hasattr(fcntl, "F_SETSIG"):
        return
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    # The parent may have gone before that was in force.
    os.set_blocking(lifeline, False)
    try:
        if os.read(lifeline, 1) == b"":
            os.kill(os.getpid(), signal.SIGKILL)
    except BlockingIOError:
        pass


def _send(sock: socket.socket, kind: int, payload: bytes, aux: int = 0) -> None:
    sock.sendall(_wire.HEADER.pack(kind, aux, len(payload)) + payload)


class _Outbox:
    """Results that the pool has not been sent, in the page, where they outlive the worker."""

    def __init__(self, sock: socket.socket, page: _page.Page) -> None:
        self._socket = sock
        self._page = page
        self._count = 0
        self._size = 0
        self._since = 0  # when the first of their tasks began
        self._last = 0  # when the last of them ended

    def resume(self, now: int) -> None:
        """Say that tasks begin now."""
        if not self._count:
            self._since = now

    def add(self, sequence: int, record: bytes, mark: int, now: int) -> None:
        """Keep the outcome of a task: sent after a while, or with the flush."""
        if len(record) > _page.MAX_DATA:
            self._send_large(sequence, record, mark, now)
            return
        page = self._page
        end = self._size + len(record)
        if end > _page.MAX_DATA or self._count == _page.MAX_RESULTS:
            self.flush()
            self._since = self._last
            end = len(record)
        if not self._count:
            page.slots[_page.FIRST] = sequence
        page.data[self._size : end] = record
        page.lengths[self._count] = len(record) | mark
        self._count += 1
        self._size = end
        page.slots[_page.ELAPSED] = now - self._since
        page.slots[_page.PUBLISHED] = self._count << 32 | end
        self._last = now
        if now - self._since > REPORT_INTERVAL:
            self.flush()
            self._since = now

    def flush(self) -> None:
        """Send what is here."""
        if not self._count:
            return
        slots, lengths = self._page.slots, self._page.lengths[: self._count]
        head = _wire.OUTCOMES.pack(slots[_page.FIRST], self._count, slots[_page.ELAPSED])
        body = lengths.tobytes() + bytes(self._page.data[: self._size])
        _send(self._socket, _wire.RESULTS, head + body, _wire.STREAM)
        # Only now: had we died before, the pool would have found them here.
        slots[_page.PUBLISHED] = 0
        self._count = self._size = 0

    def _send_large(self, sequence: int, record: bytes, mark: int, now: int) -> None:
        if self._count:
            self.flush()
            self._since = self._last
        head = _wire.OUTCOMES.pack(sequence, 1, now - self._since)
        head += _wire.NUMBER.pack(len(record) | mark)
        size = len(head) + len(record)
        self._socket.sendall(_wire.HEADER.pack(_wire.RESULTS, _wire.STREAM, size) + head)
        self._socket.sendall(record)
        self._since = self._last = time.monotonic_ns()


class _Worker:
    """What a worker knows: the functions it was told, and the last batch."""

    def __init__(self, sock: socket.socket, page: _page.Page) -> None:
        self._socket = sock
        self._slots = page.slots
        self._outbox = _Outbox(sock, page)
        self._inbox = _wire.Inbox(sock, self._outbox.flush)
        self._functions: dict[int, Callable[[Any], Any]] = {}
        self._items: list[Any] = []
        self._pickled = False
        # An operation on a lock that nobody else has is a full memory fence.
        self._fence = threading.Lock()

    def serve(self) -> None:
        """Do what the pool says until it says stop. Raises EOFError if it is gone."""
        _send(self._socket, _wire.READY, b"")
        while True:
            kind, aux, payload = self._inbox.next()
            if kind == _wire.RUN:
                self._start(payload, aux)
            elif kind == _wire.FUNCTION:
                (number,) = _wire.NUMBER.unpack_from(payload)
                code = payload[_wire.NUMBER.size :]
                self._functions[number] = _callable(bytes(code), aux)
            elif kind == _wire.FORGET:
                self._functions.pop(_wire.NUMBER.unpack(payload)[0], None)
            else:
                self._outbox.flush()
                return

    def _start(self, payload: memoryview, aux: int) -> None:
        sequence, function, _batch, offset, count = _wire.SPAN.unpack_from(payload)
        if aux & _wire.CARRIED:
            data = memoryview(bytes(payload[_wire.SPAN.size :]))
            self._items, self._pickled = _codec.decode_batch(data)
        if self._slots[_page.RECALLED] <= sequence:
            self._skip(sequence, count)
            return
        call = self._functions[function]
        if self._pickled:
            call = _unpickling(call)
        self._run(sequence, call, self._items[offset : offset + count])

    def _run(self, sequence: int, call: Callable[[Any], Any], items: list[Any]) -> None:
        slots, fence, clock, outbox = self._slots, self._fence, time.monotonic_ns, self._outbox
        end = sequence + len(items)
        outbox.resume(clock())
        for item in items:
            # One side of a handshake whose other side is page.recall in Go.
            slots[_page.STARTED] = sequence
            with fence:
                pass
            if slots[_page.RECALLED] <= sequence:
                self._skip(sequence, end - sequence)
                return
            mark = 0
            try:
                value = call(item)
            except SystemExit:
                raise  # ends the worker, as in multiprocessing
            except BaseException as error:
                record, mark = _codec.encode_error(error), _wire.FAILURE_BIT
            else:
                try:
                    record = _codec.dumps(value)
                except Exception as error:
                    record = _codec.encode_error(MaybeEncodingError(error, value))
                    mark = _wire.FAILURE_BIT
                value = None
            outbox.add(sequence, record, mark, clock())
            sequence += 1

    def _skip(self, first: int, count: int) -> None:
        self._outbox.flush()
        _send(self._socket, _wire.SKIPPED, _wire.RANGE.pack(first, count))


def _callable(code: bytes, convention: int) -> Callable[[Any], Any]:
    """Return what is to be called with an item.

    A function that can't be had here is the failure of each of its tasks.
    """
    try:
        function = pickle.loads(code)
    except Exception as error:
        return _raising(error)
    if convention == _codec.STAR:
        return lambda item: function(*item)
    if convention == _codec.APPLY:
        return lambda item: function(*item[0], **item[1])
    return function  # type: ignore[no-any-return]


def _raising(error: Exception) -> Callable[[Any], Any]:
    origin = error.__traceback__

    def fail(_item: Any) -> Any:
        raise error.with_traceback(origin)

    return fail


def _unpickling(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `call` for items that are still pickled: what unpickling raises, the task raises."""
    return lambda record: call(pickle.loads(record))
