"""Large data of many kinds, how to tell that it came back the same, and tasks that change it."""

from __future__ import annotations

import array
import pickle
from typing import Any

import numpy as np
from hypothesis import strategies as st

#: Sizes in bytes around which a pool may go another way, up to a few MB.
SIZES = (0, 1, 8, 100, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 3 << 20)


class Stamped(np.ndarray[Any, Any]):
    """A subclass of arrays, with an attribute that a pickle keeps."""

    stamp = ""

    def __reduce__(self) -> Any:
        reduced: Any = super().__reduce__()
        rebuild, arguments, state = reduced
        return rebuild, arguments, (state, self.stamp)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state[0])
        self.stamp = state[1]


RECORD = np.dtype([("id", "<i4"), ("weight", "<f8"), ("name", "S5")])


def make_array(size: int, kind: str) -> Any:
    """Make an array of about this many bytes, of a kind."""
    if kind == "subclass":
        stamped = make_array(size, "plain").view(Stamped)
        stamped.stamp = "kept"
        return stamped
    if kind == "structured":
        records = np.zeros(size // RECORD.itemsize, RECORD)
        records["id"] = np.arange(len(records))
        records["name"] = b"abc"
        return records
    if kind == "object":
        return np.array([None, "text", [1, 2], 10**30] * (size // 4000 + 1), dtype=object)
    if kind == "0-d":
        return np.array(float(size))
    values = np.arange(size // 8, dtype=np.float64)
    if kind == "fortran":
        return np.asfortranarray(values[: len(values) // 4 * 4].reshape(-1, 4))
    if kind == "strided":
        return np.repeat(values, 2)[::2]
    if kind == "reversed":
        return values[::-1]
    if kind == "broadcast":
        return np.broadcast_to(values, (2, len(values)))
    if kind == "big-endian":
        return values.astype(">f8")
    if kind == "bool":
        return values % 2 == 0
    if kind == "text":
        return values.astype("U8")
    if kind == "dates":
        return values.astype("datetime64[s]")
    if kind == "read-only":
        values.flags.writeable = False
    return values


KINDS = (
    "plain",
    "fortran",
    "strided",
    "reversed",
    "broadcast",
    "read-only",
    "big-endian",
    "bool",
    "text",
    "dates",
    "structured",
    "object",
    "0-d",
    "subclass",
)

sizes = st.builds(
    lambda size, delta: max(0, size + delta), st.sampled_from(SIZES), st.integers(-9, 9)
)
arrays = st.builds(make_array, sizes, st.sampled_from(KINDS))
flat = st.builds(
    lambda size, make: make(size),
    sizes,
    st.sampled_from(
        [
            bytes,
            bytearray,
            lambda size: "x" * size,
            lambda size: "\u20ac" * (size // 3),
            lambda size: array.array("d", bytes(size // 8 * 8)),
            lambda size: array.array("B", bytes(size)),
            lambda size: list(range(size // 100)),
            lambda size: [[float(n)] * 3 for n in range(size // 400)],
            lambda size: {n: str(n) for n in range(size // 400)},
        ]
    ),
)
payloads = st.recursive(
    arrays | flat | st.none() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


def is_same(left: Any, right: Any) -> bool:
    """Tell whether a value that came is equal to `right`, of its type and, if an array, its layout.

    What can be written to there can be here. That pickle's protocol 5 keeps an array
    read-only, and protocol 4 does not, is no promise of either.
    """
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(is_same(left[k], right[k]) for k in left)
    if isinstance(left, np.ndarray):
        return (
            left.dtype == right.dtype
            and left.shape == right.shape
            and _layout(left) == _layout(right)
            and left.flags.writeable >= right.flags.writeable
            and getattr(left, "stamp", None) == getattr(right, "stamp", None)
            and bool(np.array_equal(left, right))
        )
    return bool(left == right)


def _layout(data: Any) -> tuple[bool, ...]:
    flags = data.flags
    return flags.c_contiguous, flags.f_contiguous, flags.aligned


def pickled(value: Any, protocol: int = 5) -> Any:
    """Return what an ordinary pickle makes of a value."""
    return pickle.loads(pickle.dumps(value, protocol))


def views(count: int) -> list[Any]:
    """Return views of one buffer that overlap."""
    whole = np.arange(count, dtype=np.float64)
    return [whole, whole[: count // 2], whole[count // 3 :], whole.reshape(2, -1)]


# Tasks.


def overwrite(data: Any) -> tuple[Any, Any]:
    """Change an array in place; return a copy of what it was, and the array."""
    before = data.copy()
    data[...] = -1
    return before, data


def fill(value: float, size: int) -> Any:
    return np.full(size, value)


def twice(value: Any) -> tuple[Any, Any]:
    return value, value


def same_object(pair: tuple[Any, Any]) -> bool:
    return pair[0] is pair[1]


def describe(data: Any) -> tuple[str, tuple[bool, ...], bytes]:
    """Tell what an array is here, in another way than by sending it back."""
    return str(data.dtype), _layout(data), data.tobytes("A") if data.dtype.char != "O" else b""
