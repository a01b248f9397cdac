"""Pickling of one value: in place, in shared memory if it is large, by value if need be."""

from __future__ import annotations

import pickle
from multiprocessing.reduction import ForkingPickler

from . import _arena, _mention

# Workers import this module when they start: see `_codec`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ._arena import Lent
    from ._names import Names
    from ._shared import Shared

PROTOCOL = 5

#: Messages of so many bytes are put into shared memory, and buffers of so many apart.
LARGE = 1 << 15

#: What pickle raises for functions and classes that are not found by their name.
NOT_FOUND = (AttributeError, pickle.PicklingError)


class Sink:
    """What a pickler writes to, without copying anything.

    What was written is good as long as the pickler has its memo: the text of a string is
    the string's own.
    """

    def __init__(self) -> None:
        self.chunks: list[Any] = []
        self.write = self.chunks.append
        self.buffers: list[memoryview] = []
        self.all_inside = False  # take no buffers

    def keep_out(self, buffer: pickle.PickleBuffer) -> bool:
        """Take a buffer, if it is large; tell whether it has to go into the pickle instead."""
        try:
            memory = buffer.raw()
        except BufferError:  # not contiguous, which the pickler will say
            return True
        if self.all_inside or memory.nbytes < LARGE:
            return True
        self.buffers.append(memory)
        return False

    def clear(self) -> None:
        self.chunks.clear()
        self.buffers.clear()


class Packer:
    """Pickles values, one after the other, as `multiprocessing` does.

    With the `names` of a pool, what its workers do not find by its name is pickled by
    value; without, in a worker, what nobody finds, if it may be sent `by_value`. If `asking`,
    workers' names are looked for also where that takes its time (`Names.pickler`). What is
    `shared` goes to many workers.
    """

    #: Whether something was pickled by value.
    by_value = False

    def __init__(
        self,
        names: Names | None,
        *,
        by_value: bool = True,
        asking: bool = False,
        shared: bool = False,
    ) -> None:
        self._names = names
        self.may_go_by_value = by_value
        self._shared = shared
        self._sink = sink = Sink()
        if names is None:
            self._pickler = ForkingPickler(sink, PROTOCOL, True, sink.keep_out)
        elif asking:
            self._pickler = names.asking_pickler(sink, sink.keep_out)
        else:
            self._pickler = names.pickler(sink, sink.keep_out)
        self._dump, self._clear_memo = self._pickler.dump, self._pickler.clear_memo
        #: Shared values that the last message mentions.
        self.mentions: Sequence[Shared[Any]] = ()

    def pack(self, value: Any) -> bytes | Lent:
        """Return the pickle, or where in the arena it is. Raises what pickle raises."""
        if _mention.some:
            found: list[Shared[Any]] = []
            _mention.local.found = found
        sink = self._sink
        chunks = sink.chunks
        try:
            try:
                self._dump(value)
            except NOT_FOUND as error:
                self._dump_by_value(value, error)
            if len(chunks) == 1 and not sink.buffers and len(chunks[0]) < LARGE:
                return chunks[0]  # type: ignore[no-any-return]
            return self._large(value)
        finally:
            self._clear_memo()
            chunks.clear()
            if sink.buffers:
                sink.buffers.clear()
            if _mention.some:
                _mention.local.found = None
                self.mentions = found

    def _large(self, value: Any) -> bytes | Lent:
        """Put what was pickled into the arena, if it is large."""
        sink = self._sink
        if sink.buffers or sum(map(len, sink.chunks)) >= LARGE:
            arena = _arena.own
            if arena is not None:
                lent = arena.lend(sink.chunks, sink.buffers, shared=self._shared)
                if lent is not None:
                    return lent
            if sink.buffers:  # there is no room for them
                self._dump_all_inside(value)
        return b"".join(sink.chunks)

    def _dump_all_inside(self, value: Any) -> None:
        sink = self._sink
        sink.clear()
        self._pickler.clear_memo()
        sink.all_inside = True
        try:
            self._pickler.dump(value)
        except NOT_FOUND as error:
            self._dump_by_value(value, error)
        finally:
            sink.all_inside = False

    def _dump_by_value(self, value: Any, reason: Exception) -> None:
        if not self.may_go_by_value:
            raise reason
        self._sink.clear()
        self.by_value = True
        if self._names is not None:
            self._names.dump_by_value(value, reason, self._sink)
            return
        from . import _by_value

        _by_value.dump(value, None, reason, self._sink)
