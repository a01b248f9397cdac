"""What goes through shared memory: 32 KiB to 4 MiB, pickled without a copy where that can be."""

from __future__ import annotations

import pickle
from typing import Any


class Block:
    """Bytes that are equal to those of no other task."""

    def __init__(self, data: Any) -> None:
        """Take a buffer."""
        self._data = data

    @classmethod
    def of(cls, job: int, index: int) -> Block:
        """Return that of a task: one in 30 is large."""
        doublings = 7 if (job + index) % 30 == 0 else index % 4
        return cls(bytearray(f"{job}:{index}".ljust(32).encode() * (1024 << doublings)))

    def copy(self) -> Block:
        """Return a block that has its bytes in memory of this process alone."""
        return Block(bytearray(self._data))

    def __reduce_ex__(self, _: Any) -> Any:
        return Block, (pickle.PickleBuffer(self._data),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Block) and bool(self._data == other._data)

    def __hash__(self) -> int:
        return hash(bytes(self._data[:32]))

    def __repr__(self) -> str:
        return f"Block({bytes(self._data[:32])!r}, {len(self._data)})"
