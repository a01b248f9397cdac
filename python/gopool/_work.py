"""The tasks of jobs that threads of this process run, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from . import _codec, _core, _page
from ._failure import Again, without_frame

if TYPE_CHECKING:
    from ._threads import Desk


class Work:
    """The tasks of one job: what to call, with which items, and what came of it.

    Outcomes go into `kept`, by index; in place of a result, what was raised.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        convention: int,
        items: Sequence[Any],
        kept: dict[int, Any],
    ) -> None:
        self.function = function
        self._call = _calling(function, convention)
        self._items = items
        self._kept = kept
        self.left = len(items)  # guarded by the crew's lock

    def _take(self, index: int, count: int) -> Sequence[Any]:
        return self._items[index : index + count]

    def run(self, desk: Desk, first: int, index: int, count: int) -> tuple[int, int]:
        """Run tasks, and return how many, which is less if some were taken back.

        And how many of them will be run again. The first has the number `first` and the
        item `index`.
        """
        call, kept, slots = self._call, self._kept, desk.slots
        number, item = first, None
        repeated: set[int] = set()  # they have no outcome yet
        for item in self._take(index, count):
            # One side of a handshake whose other side is member.withdraw in Go.
            slots[_page.STARTED] = number
            if slots[_page.RECALLED] <= number:
                break
            try:
                kept[index] = call(item)
            except BaseException as error:  # no thread is ended by what a task raises
                if type(error) is not Again:
                    kept[index] = _codec.Raised(without_frame(error))
                elif _core.native.bridge_Repeat(desk.number, number) == 1:
                    repeated.add(index)
                else:
                    kept[index] = _codec.Raised(error.last())
            index += 1
            number += 1
        ran = number - first
        self._have_run(i for i in range(index - ran, index) if i not in repeated)
        # The frame of a task that raised has this one for its caller, and so keeps it.
        del self, call, kept, item
        return ran, len(repeated)

    def _have_run(self, indices: Iterable[int]) -> None:
        """Drop what these tasks needed."""


class FedWork(Work):
    """The tasks of `imap`, whose items come one lot after the other."""

    def __init__(self, function: Callable[..., Any], kept: dict[int, Any]) -> None:
        super().__init__(function, _codec.CALL, (), kept)
        self._fed: dict[int, Any] = {}  # by index, until they are run
        self.left = 1  # for who feeds it

    def feed(self, items: Sequence[Any], index: int) -> None:
        self._fed.update(enumerate(items, index))

    def neglect(self) -> None:
        """Have the outcomes dropped, those here and those to come."""
        self._kept = _Nowhere()

    def _take(self, index: int, count: int) -> Sequence[Any]:
        # Not there are those that were taken back and have been run by others.
        return list(map(self._fed.get, range(index, index + count)))

    def _have_run(self, indices: Iterable[int]) -> None:
        for i in indices:
            del self._fed[i]


class _Nowhere(dict[int, Any]):
    """Keeps nothing."""

    def __setitem__(self, index: int, outcome: Any) -> None:
        pass


def _calling(function: Callable[..., Any], convention: int) -> Callable[[Any], Any]:
    """Return what is to be called with an item."""
    if convention == _codec.STAR:
        return lambda item: function(*item)
    if convention == _codec.APPLY:
        return lambda item: function(*item[0], **item[1])
    return function
