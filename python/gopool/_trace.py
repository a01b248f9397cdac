"""`Pool.trace`: a timeline of what the workers do, written to a file by Go.

Go knows functions by their code. So a thread of ours stays in Go and comes back for
the name of each function that has none.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING

from . import _core, _exchange
from ._code_name import UNKNOWN
from ._doing import read_function
from ._interrupts import deferred
from ._owner import Thread

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._owner import Owner


class Trace:
    """A timeline that is being written, until `stop` or the end of the `with` block.

    It ends with its pool at the latest: when that is terminated, or has been closed and
    all is done.
    """

    def __init__(self, owner: Owner, path: str | os.PathLike[str]) -> None:
        self._owner = owner
        self._path = os.fspath(path)
        self._number = _core.new_number()
        self._error: OSError | None = None
        with open(path, "wb") as file:
            fd = file.fileno()
            with deferred():  # a descriptor that is Go's must not be closed here
                self._start(os.dup(fd))

    def _start(self, fd: int) -> None:
        owner = self._owner
        before, owner.names_of_jobs = owner.names_of_jobs, {}
        status = _core.native.bridge_StartTrace(owner.pool, self._number, fd)
        if status:
            owner.names_of_jobs = before
            os.close(fd)
            if status > 0:
                raise ValueError("the pool is being traced already")
            raise owner.error(status)
        owner.feeders.add(self)
        try:
            self._thread = Thread("gopool-trace", self._name_functions)
        except BaseException:  # no thread is to be had
            _core.native.bridge_StopTrace(self._number)
            self._name_functions()
            raise

    def stop(self) -> None:
        """End the timeline. Blocks until the file is complete.

        Raises OSError if it could not be written. Does nothing the second time.
        """
        _core.check_process()
        _core.native.bridge_StopTrace(self._number)
        self.join()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def join(self) -> None:
        """Block until the file is complete."""
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _name_functions(self) -> None:
        owner = self._owner
        exchange = _exchange.Exchange(_exchange.SIZE)
        view, size = exchange.view, 0
        try:
            while True:
                size = _core.native.bridge_NextUnnamed(self._number, exchange.handle, size)
                if size <= 0:
                    break
                name = read_function(view, 0, owner.name_of_job)[0] or UNKNOWN
                encoded = name.encode(errors="replace")
                size = len(encoded)
                view[:size] = encoded
            if size < 0:
                number = int.from_bytes(view[:8], "little")
                self._error = OSError(number, os.strerror(number), self._path)
        finally:
            owner.names_of_jobs = None
            exchange.close()
            owner.feeders.discard(self)  # last: who joins the pool does not wait for it any more
