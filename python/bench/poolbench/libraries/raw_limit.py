"""An upper limit for throughput: lists of arguments, pickled whole, over one pipe per worker.

No task has an identity, a result object, or a chance to fail alone; nothing is supervised, and
a dead worker is a hang. What a pool loses against it is what these things cost, together.
"""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
from collections import deque
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar, cast

from poolbench.libraries.library import Adapter, Pool

T = TypeVar("T")
R = TypeVar("R")

# Larger batches are no faster. Two of them, and their results, fit into the pipe's buffers: so
# neither side ever waits to send, and they cannot both wait.
_BATCH = 4096
_IN_FLIGHT = 2  # a worker always has its next batch when it ends one


def _serve(connection: Connection) -> None:
    while True:
        func, batch = pickle.loads(connection.recv_bytes())
        connection.send_bytes(pickle.dumps([func(item) for item in batch]))


class RawLimitPool(Adapter):
    """Map over small arguments to small results, from one thread; nothing else."""

    library = "the raw limit"

    def __init__(self, processes: int, method: str | None) -> None:
        context: Any = multiprocessing.get_context(method)
        self._workers, self._connections = [], []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            worker = context.Process(target=_serve, args=(theirs,), daemon=True)
            worker.start()
            theirs.close()
            self._workers.append(worker)
            self._connections.append(ours)

    def close(self) -> None:
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.join()

    def map(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int | None = None
    ) -> list[R]:
        """Send batches of its own size whatever the ``chunksize``, and put results in order."""
        items = iter(iterable)
        results: list[list[R]] = []
        # For each worker, the places in `results` of the batches that it has.
        places: dict[Connection, deque[int]] = {c: deque() for c in self._connections}

        def send_next(connection: Connection) -> None:
            if batch := list(itertools.islice(items, _BATCH)):
                connection.send_bytes(pickle.dumps((func, batch)))
                places[connection].append(len(results))
                results.append([])

        for _ in range(_IN_FLIGHT):
            for connection in self._connections:
                send_next(connection)
        while busy := [connection for connection in self._connections if places[connection]]:
            for connection in cast("list[Connection]", wait(busy)):
                answer = connection.recv_bytes()
                send_next(connection)
                results[places[connection].popleft()] = pickle.loads(answer)
        return list(itertools.chain.from_iterable(results))


def open_pool(processes: int, method: str | None) -> Pool:
    return RawLimitPool(processes, method)
