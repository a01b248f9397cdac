"""Which shared values a message mentions: it keeps them until it is settled."""

from __future__ import annotations

import struct
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ._shared import Shared

#: Whether this process has ever had a shared value: nothing is looked for before.
some = False


class _Local(threading.local):
    found: list[Shared[Any]] | None = None


#: `found` is None where no message is being pickled.
local = _Local()


def head(mentions: Iterable[Shared[Any]]) -> bytes:
    """Encode the slabs that are mentioned, for Go."""
    slabs = {shared.slab for shared in mentions}
    return struct.pack(f"<{1 + len(slabs)}Q", len(slabs), *slabs)


def skip(data: memoryview) -> memoryview:
    """Return what follows a head."""
    (count,) = struct.unpack_from("<Q", data)
    return data[8 * (1 + count) :]
