"""How a pool tells its workers of functions and items: as encoded by a `Coder`.

That of worker processes pickles (`_pickling.py`), that of goroutines packs
(`_gofunctions/packing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

#: A batch ends when it has so many bytes: a worker that runs a part may be sent all of it.
BATCH_BYTES = 1 << 16
#: How many items a batch has: first few, so that workers start early, then more.
FIRST_BATCH, LAST_BATCH = 32, 4096
#: And a range, whose bytes are few however long it is.
RANGE_BATCH = 1 << 20


class Lent(Protocol):
    """What a message only says where to find."""

    @property
    def size(self) -> int:
        """Return how many bytes it has."""

    def sent(self) -> None:
        """Hear that the job has the message."""


class Function:
    """A function as workers are told it.

    One that is encoded by name is the same function wherever the bytes are.
    """

    def __init__(
        self,
        code: bytes,
        flags: int = 0,
        lent: Lent | None = None,
        held: object = None,
        *,
        by_name: bool = False,
    ) -> None:
        self.code = code
        #: What is added to the calling convention.
        self.flags = flags
        self.by_name = by_name
        self._lent = lent
        self._held = held

    def sent(self) -> None:
        """Say that the job has it."""
        if self._lent is not None:
            self._lent.sent()


class Batch:
    """Encoded items, `count` of them, of which the first has this index in its job."""

    def __init__(
        self,
        data: bytes,
        count: int,
        index: int,
        lent: Lent | None = None,
        held: object = None,
    ) -> None:
        self.data = data
        self.count = count
        self.index = index
        self._lent = lent
        self._held = held
        #: Bytes, here and elsewhere.
        self.weight = len(data) if lent is None else lent.size

    def sent(self) -> None:
        """Say that the job has it."""
        if self._lent is not None:
            self._lent.sent()

    def refused(self) -> None:
        """Say that the job does not take it."""


NO_FUNCTION = Function(b"", by_name=True)
NO_BATCH = Batch(b"", 0, 0)


class Failure:
    """An item that can't be encoded, and why."""

    def __init__(self, index: int, error: Exception) -> None:
        self.index = index
        self.error = error


class Coder:
    """Encodes functions and items for the workers of one pool."""

    def function(self, func: Callable[..., Any]) -> Function:
        """Encode a function. Raises what makes that impossible."""
        raise NotImplementedError

    def call(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwds: dict[str, Any],
        *,
        once: bool = True,
    ) -> Batch:
        """Encode the one item of an `apply`. Raises what makes that impossible.

        `once` says that workers read it at most once.
        """
        raise NotImplementedError

    def part(
        self,
        func: Callable[..., Any],
        convention: int,
        items: Sequence[Any],
        index: int,
        chunk: int,
        *,
        once: bool = True,
    ) -> Iterator[Batch | Failure]:
        """Encode items, of which the first has this index: in one batch, unless they are large."""
        raise NotImplementedError

    def outcome(self, func: Callable[..., Any], view: memoryview, status: int) -> Any:
        """Return the result of a call that bridge_Call has left in an exchange."""
        raise NotImplementedError

    def items(
        self,
        func: Callable[..., Any],
        convention: int,
        items: Sequence[Any],
        chunk: int,
        *,
        once: bool = True,
    ) -> Iterator[Batch | Failure]:
        """Encode items in batches of whole chunks: small ones first, for workers to start early."""
        start, size, last = 0, FIRST_BATCH, LAST_BATCH
        if type(items) is range:
            size = last = RANGE_BATCH
        while start < len(items):
            end = min(len(items), start + -(-size // chunk) * chunk)
            yield from self.part(func, convention, items[start:end], start, chunk, once=once)
            start, size = end, min(2 * size, last)
