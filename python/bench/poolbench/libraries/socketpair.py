"""A floor for round trips: one worker, one socket pair, one pickle each way, nothing else.

What a pool adds to it (queueing, supervision, threads, failure handling) is the pool's cost.
"""

from __future__ import annotations

import multiprocessing
import pickle
import socket
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from poolbench.libraries.library import Adapter, Pool

T = TypeVar("T")
R = TypeVar("R")

_FRAME_LIMIT = 65536  # a frame is one packet of the socket, so that it needs no length


def _serve(connection: socket.socket) -> None:
    while frame := connection.recv(_FRAME_LIMIT):
        func, args = pickle.loads(frame)
        connection.send(pickle.dumps(func(*args)))


class SocketPairPool(Adapter):
    """Call functions in one other process, one at a time; small arguments and results only."""

    library = "the socket pair"

    def __init__(self, method: str | None) -> None:
        context: Any = multiprocessing.get_context(method)
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._worker = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._worker.start()
        theirs.close()

    def close(self) -> None:
        self._worker.terminate()
        self._worker.join()
        self._connection.close()

    def apply(self, func: Callable[..., R], args: tuple[Any, ...] = ()) -> R:
        """Send one pickle, wait for the pickle that comes back."""
        self._connection.send(pickle.dumps((func, args)))
        result: R = pickle.loads(self._connection.recv(_FRAME_LIMIT))
        return result

    def map(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int | None = None
    ) -> list[R]:
        """Apply to each in turn; here for the warm-up only."""
        return [self.apply(func, (item,)) for item in iterable]


def open_pool(processes: int, method: str | None) -> Pool:
    return SocketPairPool(method)
