"""Memory in which a Go function finds its arguments, and leaves its answer."""

from __future__ import annotations

from collections.abc import Callable
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
        status = native.binding_Call(function, 1, at, size, self._answer_at, _ROOM)
        if status <= _ROOM:
            return unpack(self._answer[:status])
        return self._receive(native, status)

    def _receive(self, native: Extension, status: int) -> Any:
        size = status & _SIZE
        answer = self._answer[:size]
        if size > _ROOM:  # it waits to be fetched
            answer = memoryview(bytearray(size))
            native.binding_Fetch(_word(self._answer), address_of(answer))
        if status & _LENT:
            return unpack_lent(answer[_WORD:], Loan(native, _word(answer)))
        if status & _FAILURE:
            raise failure(unpack(answer))
        return unpack(answer)


def _word(data: memoryview) -> int:
    return int.from_bytes(data[:_WORD], "little")
