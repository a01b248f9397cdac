"""The worker process, start to end: pure Python, as Go does not survive a fork.

main ─▶ initializer ─▶ Ready ─▶ frames of the pool ─▶ run tasks ─▶ outbox ─▶ frames to the pool
                                    │                    │            │
                               Stop ▼                    └── page ◀───┘
                                finalizer
"""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import socket
import sys
import time

from . import _arena, _codec, _lender, _mention, _packer, _page, _region, _traces, _wire
from ._outbox import Outbox

# What is imported here is most of what it takes to start a worker with spawn.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ._settings import Settings


def main(sock: socket.socket, settings: Settings, index: int, generation: int) -> None:
    """Run in a new process until the pool says stop or is gone.

    It is the worker with that index in the pool, in whose place there have been so many
    before (`generation`).

    The first message on `sock` is the number of the region behind the worker's page, and
    carries descriptors: the page, the lifeline (see `_process.open_lifeline`), which is only
    kept open, and the caller's region, if it has one.
    """
    # Ctrl-C reaches the whole process group; it is the parent's to answer. A
    # handler, unlike SIG_IGN, is not passed on to programs that tasks start.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # since `_process` started it
    number, descriptors, _, _ = socket.recv_fds(sock, _wire.NUMBER.size, 3)
    if len(descriptors) < 2:
        return  # the pool is gone already
    for fd in (sock.fileno(), *descriptors):
        os.set_inheritable(fd, False)  # no business of programs that tasks start
    page_fd, _lifeline, *region = descriptors
    page = _page.Page(mmap.mmap(page_fd, _page.SIZE))
    page.slots[_page.SEPARATE] = 1
    _arena.results = _arena.Arena(page_fd, *_wire.NUMBER.unpack(number))
    for fd in region:
        _lender.lenders[_region.CALLER] = _lender.Lender(fd)
    try:
        settings.begin(index, generation)
    except SystemExit:
        raise
    except BaseException:
        import traceback

        # Not printed here: it is in the error of everybody who wants a result.
        _wire.send(sock, _wire.FAILED, traceback.format_exc().encode())
        sock.close()
        sys.exit(1)
    try:
        _wire.send(sock, _wire.READY, b"")
        # While the pool sends the first task: it takes 0.1 ms.
        page.slots[_page.SIGNAL] = _traces.enable(page_fd)
        if settings.max_memory is None:
            _Worker(sock, page).serve()
        else:
            from ._bounded import BoundedWorker

            BoundedWorker(sock, page, settings.max_memory).serve()
        settings.end()
    except (EOFError, ConnectionError):
        return  # the pool is gone: nobody to tell
    finally:
        sock.close()  # or Python may warn that it was not


class _Worker:
    """What a worker knows: the functions it was told, and the last batch."""

    def __init__(self, sock: socket.socket, page: _page.Page) -> None:
        self._socket = sock
        self._slots = page.slots
        self._outbox = Outbox(sock, page)
        self._inbox = _wire.Inbox(sock, self._outbox.flush)
        self._functions: dict[int, Callable[[Any], Any]] = {}
        self._by_value: set[int] = set()  # those that were sent so
        self._items: Sequence[Any] = []
        self._loads: Callable[[Any], Any] | None = None  # what each item is still to be passed to

    def serve(self) -> None:
        """Do what the pool says until it says stop. Raises EOFError if it is gone."""
        inbox = self._inbox
        while True:
            if inbox.is_empty():
                self._outbox.flush()
                inbox.put_back(self._serve_singly())
            kind, aux, payload = inbox.next()
            if kind == _wire.RUN:
                self._start(payload, aux)
            elif kind == _wire.FUNCTION:
                (number,) = _wire.NUMBER.unpack_from(payload)
                if aux & _codec.BY_VALUE:
                    self._by_value.add(number)
                convention = aux & ~_codec.BY_VALUE
                self._functions[number] = self._loading(number, payload, convention)
            elif kind == _wire.FORGET:
                (number,) = _wire.NUMBER.unpack(payload)
                self._functions.pop(number, None)
                self._by_value.discard(number)
            elif kind == _wire.TRIM:
                self._trim()
            else:
                self._outbox.flush()
                return

    def _trim(self) -> None:
        """Give up memory that nothing is in any more."""
        _lender.forget_gone()
        assert _arena.results is not None
        _arena.results.trim()
        _wire.send(self._socket, _wire.TRIMMED, b"")

    def _serve_singly(self) -> bytes:
        """Wait for tasks that come one by one and answer each at once.

        Return what has come that is something else. It does what `_start`, `_run` and
        the outbox do, where that comes to less: no other result could join this one.
        """
        inbox, slots, outbox, functions = self._inbox, self._slots, self._outbox, self._functions
        receive, head_of, head_size = inbox.receive, _wire.TASK.unpack_from, _wire.TASK.size
        now, dumps = time.monotonic_ns, pickle.dumps
        while True:
            data = receive()
            if len(data) <= head_size:
                return data
            kind, aux, size, sequence, function, _batch, offset, count = head_of(data)
            carried = kind == _wire.RUN and aux & _wire.CARRIED
            if count != 1 or not carried or size + _wire.HEADER.size != len(data):
                return data
            self._items, load = _codec.decode_batch(data, head_size)
            self._loads = load
            outbox.packer.may_go_by_value = function in self._by_value
            began = slots[_page.BEGAN] = now()
            # The handshake, as in `_run`.
            slots[_page.STARTED] = sequence
            if slots[_page.RECALLED] <= sequence:
                self._skip(sequence, 1)
                continue
            item = self._items[offset]
            try:
                value = functions[function](item if load is None else load(item))
            except SystemExit:
                raise
            except BaseException as error:
                outbox.resume(began)
                outbox.add_failure(sequence, error)
                outbox.flush()
                continue
            if type(value) in _codec.ATOMS and not _codec.is_large(value):
                outbox.send(sequence, dumps(value, _packer.PROTOCOL), began)
            else:
                outbox.resume(began)
                outbox.add(sequence, value)
                outbox.flush()
            del value

    def _loading(self, number: int, payload: memoryview, convention: int) -> Callable[[Any], Any]:
        """Return what loads a function when it is first called, and then calls it.

        Loading runs code of the user's, which may end the process. So it is the
        part of a task, which is lost with the worker then.
        """

        def load_and_call(item: Any) -> Any:
            call = self._functions[number]
            if call is load_and_call:
                call = _callable(payload[_wire.NUMBER.size :], convention)
                self._functions[number] = call
            return call(item)

        return load_and_call

    def _start(self, payload: memoryview, aux: int) -> None:
        sequence, function, _batch, offset, count = _wire.SPAN.unpack_from(payload)
        if aux & _wire.REPORT:
            self._outbox.flush()
        if aux & _wire.CARRIED:
            self._items, self._loads = _codec.decode_batch(payload, _wire.SPAN.size)
        if self._slots[_page.RECALLED] <= sequence:
            self._skip(sequence, count)
            return
        self._outbox.packer.may_go_by_value = function in self._by_value
        call = self._functions[function]
        if self._loads is not None:
            call = _unpickling(call, self._loads)
        self._run(sequence, call, self._items[offset : offset + count])

    def _run(self, sequence: int, call: Callable[[Any], Any], items: Sequence[Any]) -> None:
        slots, outbox = self._slots, self._outbox
        end = sequence + len(items)
        began = slots[_page.BEGAN] = time.monotonic_ns()
        outbox.resume(began)
        kind, column, stored = outbox.column()
        for sequence, item in enumerate(items, sequence):  # noqa: B020, PLR1704 (they go on)
            # One side of a handshake whose other side is member.withdraw in Go.
            slots[_page.STARTED] = sequence
            if slots[_page.RECALLED] <= sequence:
                outbox.stored(stored)
                self._skip(sequence, end - sequence)
                return
            try:
                value = call(item)
            except SystemExit:
                raise  # ends the worker, as in multiprocessing
            except BaseException as error:
                outbox.stored(stored)
                outbox.add_failure(sequence, error)
            else:
                # What the outbox does for most results, without a call of it.
                if type(value) is kind:
                    try:
                        column[stored] = value
                    except (IndexError, ValueError):
                        pass  # the column is full, or the number too large
                    else:
                        stored += 1
                        slots[_page.PUBLISHED] = stored
                        continue
                outbox.stored(stored)
                outbox.add(sequence, value)
            kind, column, stored = outbox.column()
        outbox.stored(stored)

    def _skip(self, first: int, count: int) -> None:
        self._outbox.flush()
        _wire.send(self._socket, _wire.SKIPPED, _wire.RANGE.pack(first, count))


def _callable(code: memoryview, convention: int) -> Callable[[Any], Any]:
    """Return what is to be called with an item.

    A function that can't be had here is the failure of each of its tasks.
    """
    try:
        if convention & _codec.MENTIONING:
            code = _mention.skip(code)
        loads = _lender.load_shared if convention & _codec.LENT else pickle.loads
        function = loads(code)
    except Exception as error:
        return _raising(error)
    convention &= ~(_codec.LENT | _codec.MENTIONING)
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


def _unpickling(call: Callable[[Any], Any], loads: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `call` for items that are still pickled: what unpickling raises, the task raises."""
    return lambda record: call(loads(record))
