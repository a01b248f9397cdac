"""Memory in which a Go function finds its arguments, and leaves its answer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap
from typing import Any

from .._extension import Extension
from .buffers import Loan, address_of
from .failure import failure
from .packer import Packer, unpack, unpack_lent

#: Bytes of arguments, and of an answer, that need no memory of their own.
_ROOM = 1 << 16

# Marks of what Call returns (gopool/gofunc).
_FAILURE, _LENT = 1 << 62, 1 << 61
_SIZE = _LENT - 1

_WORD = 8


class Scratch:
    """Serves one call at a time."""

    def __init__(self) -> None:
        self.packer = Packer()
        memory = bytearray(2 * _ROOM)
        self._arguments = memoryview(memory)[:_ROOM]
        self._answer = memoryview(memory)[_ROOM:]
        self._arguments_at = address_of(memory)
        self._answer_at = self._arguments_at + _ROOM

    def call(
        self,
        native: Extension,
        function: int,
        arguments: bytes,
        unpack: Callable[[memoryview], Any],
    ) -> Any:
        """Have a function called and return what it returned. Raises what it failed with."""
        size = len(arguments)
        if size <= _ROOM:
            self._arguments[:size] = arguments
            at = self._arguments_at
        else:
            at = address_of(arguments)
        # If Ctrl-C comes during a call, Python raises behind it, before what it returned is
        # stored. What an iterator yields is stored first, and says what Go keeps of the answer.
        call = (function, 1, at, size, self._answer_at, _ROOM)
        (status,) = starmap(native.binding_Call, (call,))
        if status <= _ROOM:
            return unpack(self._answer[:status])
        try:
            answer, loan = self._take(native, status)
        except BaseException:
            self._take(native, status)  # and drop it, which gives it back
            raise
        return _outcome(status, answer, loan)

    def _take(self, native: Extension, status: int) -> tuple[memoryview, Loan | None]:
        """Return what Go has kept of an answer, and has no more then."""
        size = status & _SIZE
        answer = self._answer[:size]
        if size > _ROOM:  # it waits to be fetched
            answer = memoryview(bytearray(size))
            native.binding_Fetch(_word(self._answer), address_of(answer))
        if status & _LENT:
            return answer[_WORD:], Loan(native, _word(answer))
        return answer, None


def _outcome(status: int, answer: memoryview, loan: Loan | None) -> Any:
    if loan is not None:
        return unpack_lent(answer, loan)
    if status & _FAILURE:
        raise failure(unpack(answer))
    return unpack(answer)


def _word(data: memoryview) -> int:
    return int.from_bytes(data[:_WORD], "little")
