"""Go's types as Python sees them.

A type is described by a name, such as `"int8"`, or by a tuple, such as
`("map", "string", ("slice", "float64"))`. What is known of it here is its annotation, its zero
value, what has to be done to a value before it is packed, and to one that was unpacked.
Mostly that is nothing: msgpack knows most values, and asks the `Packer` for what it does not know.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Union

if TYPE_CHECKING:
    from typing import TypeAlias

    from .packer import Packer
    from .structs import Structs

    Descriptor: TypeAlias = str | tuple[Any, ...]
    #: Returns what is to be packed for a value.
    Adapter: TypeAlias = Callable[[Any, Packer], Any]
    #: Returns the value, from what was unpacked.
    Reviver: TypeAlias = Callable[[Any], Any]

T = TypeVar("T")


#: Codes of numbers in arrays, as `array.array` has them; "?" is numpy's.
_CODES = {
    **dict(zip(("int", "int8", "int16", "int32", "int64"), "qbhiq", strict=True)),
    **dict(zip(("uint", "uint8", "uint16", "uint32", "uint64"), "QBHIQ", strict=True)),
    **dict(zip(("float32", "float64", "bool"), "fd?", strict=True)),
}

_FLOATS = frozenset({"float32", "float64"})
_INTS = frozenset(_CODES) - _FLOATS - {"bool"}

_SCALARS: dict[str, type] = {
    **dict.fromkeys(_INTS, int),
    **dict.fromkeys(_FLOATS, float),
    "bool": bool,
    "string": str,
    "time": datetime.datetime,
    "duration": datetime.timedelta,
}

#: That of the year 1, which Go means by no time.
_ZERO_TIME = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


class Array(Protocol[T]):
    """What a slice of numbers comes back as: a `numpy.ndarray`, or without numpy an `array`."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[T]: ...
    def __getitem__(self, index: Any, /) -> Any: ...
    def tolist(self) -> list[T]: ...


class Buffer(Protocol):
    """What has the buffer protocol, which has no name of its own before Python 3.12."""

    def __buffer__(self, flags: int, /) -> memoryview: ...


#: What a parameter that is a slice of numbers takes.
Numbers = Sequence[T] | Array[T] | Buffer


class GoType:
    """A type of which values need nothing to be done to them."""

    adapt: Adapter | None = None
    revive: Reviver | None = None
    column = ""  # "q" or "d": many of them may go as such numbers
    is_plain = False  # any msgpack unpacks them

    def annotation(self, *, result: bool) -> Any:
        """Return the type as Python knows it: of a parameter, or of a result."""
        raise NotImplementedError

    def zero(self) -> Any:
        """Return Go's zero value."""
        raise NotImplementedError

    def prepared(self, value: Any, packer: Packer) -> Any:
        """Return what is to be packed for a value."""
        return value if self.adapt is None else self.adapt(value, packer)

    def revived(self, value: Any) -> Any:
        """Return the value, from what was unpacked."""
        return value if self.revive is None else self.revive(value)


class Scalar(GoType):
    def __init__(self, name: str) -> None:
        self._type = _SCALARS[name]
        self.column = "q" if name in _INTS else "d" if name in _FLOATS else ""
        self.is_plain = name in _CODES

    def annotation(self, *, result: bool) -> Any:
        return self._type

    def zero(self) -> Any:
        return _ZERO_TIME if self._type is datetime.datetime else self._type()


class Bytes(GoType):
    def annotation(self, *, result: bool) -> Any:
        return bytes if result else bytes | bytearray | memoryview

    def zero(self) -> bytes:
        return b""

    def adapt(self, value: Any, packer: Packer) -> Any:
        # A str is for Go to refuse, which knows the parameter's name.
        return value if value is None or isinstance(value, str) else packer.bytes(value)

    def revive(self, value: Any) -> Any:
        return b"" if value is None else value


class Slice(GoType):
    """A slice or an array of anything but numbers."""

    def __init__(self, item: GoType, length: int) -> None:
        """Make a type; `length` is that of an array, or 0."""
        self._item = item
        self._length = length
        if item.adapt is not None:
            self.adapt = self._adapt

    def annotation(self, *, result: bool) -> Any:
        item = self._item.annotation(result=result)
        return list[item] if result else Sequence[item]  # type: ignore[valid-type]

    def zero(self) -> list[Any]:
        return [self._item.zero() for _ in range(self._length)]

    def _adapt(self, value: Any, packer: Packer) -> Any:
        assert self._item.adapt is not None
        if value is None or isinstance(value, (str, bytes)):  # which is for Go to refuse
            return value
        return [self._item.adapt(item, packer) for item in value]

    def revive(self, value: Any) -> Any:
        if value is None:
            return []
        return value if self._item.revive is None else list(map(self._item.revive, value))


class NumberSlice(Slice):
    """A slice or an array of numbers, or of such slices."""

    def __init__(self, item: GoType, length: int, code: str) -> None:
        super().__init__(item, length)
        self._code = code
        self.adapt = self._adapt

    def annotation(self, *, result: bool) -> Any:
        if isinstance(self._item, NumberSlice):
            return super().annotation(result=result)
        item = self._item.annotation(result=result)
        return Array[item] if result else Numbers[item]  # type: ignore[valid-type, misc]

    def _adapt(self, value: Any, packer: Packer) -> Any:
        if isinstance(value, memoryview):  # which msgpack takes for bytes
            return packer.numbers(value)
        if hasattr(value, "__array__"):
            array = value.__array__()
            if array.dtype.kind != "O":  # of numpy's: what it converts without loss, it may
                return array.astype(self._code, order="C", casting="safe", copy=False)
        if isinstance(value, (list, tuple)) and self._item.adapt is not None:
            return super()._adapt(value, packer)
        return value

    def revive(self, value: Any) -> Any:
        if isinstance(self._item, NumberSlice):
            return super().revive(value)
        if value is None:
            from . import buffers

            return buffers.empty(self._code)
        return value


class Map(GoType):
    def __init__(self, key: GoType, value: GoType) -> None:
        self._key = key
        self._value = value
        if value.adapt is not None:
            self.adapt = self._adapt

    def annotation(self, *, result: bool) -> Any:
        key = self._key.annotation(result=result)
        value = self._value.annotation(result=result)
        return dict[key, value] if result else Mapping[key, value]  # type: ignore[valid-type]

    def zero(self) -> dict[Any, Any]:
        return {}

    def _adapt(self, value: Any, packer: Packer) -> Any:
        assert self._value.adapt is not None
        if not isinstance(value, Mapping):  # which is for Go to refuse
            return value
        return {key: self._value.adapt(item, packer) for key, item in value.items()}

    def revive(self, value: Any) -> Any:
        if value is None:
            return {}
        if self._value.revive is None:
            return value
        return dict(zip(value, map(self._value.revive, value.values()), strict=True))


class Pointer(GoType):
    def __init__(self, target: GoType) -> None:
        self._target = target
        if target.adapt is not None:
            self.adapt = self._adapt
        if target.revive is not None:
            self.revive = self._revive

    def annotation(self, *, result: bool) -> Any:
        # May be the name of a struct, which has no operator.
        return Union[self._target.annotation(result=result), None]  # noqa: UP007

    def zero(self) -> None:
        return None

    def _adapt(self, value: Any, packer: Packer) -> Any:
        assert self._target.adapt is not None
        return None if value is None else self._target.adapt(value, packer)

    def _revive(self, value: Any) -> Any:
        assert self._target.revive is not None
        return None if value is None else self._target.revive(value)


class Struct(GoType):
    """A struct, known by its name: it may be declared behind what uses it."""

    def __init__(self, name: str, structs: Structs) -> None:
        self._name = name
        self._structs = structs

    def annotation(self, *, result: bool) -> Any:
        declared = self._structs.get(self._name)
        return self._name if declared is None else declared.cls

    def zero(self) -> Any:
        return self._structs[self._name].cls()

    def revive(self, value: Any) -> Any:
        return self._structs[self._name].revive(value)


def go_type(of: Descriptor, structs: Structs) -> GoType:
    """Return the type that a descriptor stands for."""
    if of == "bytes":
        return Bytes()
    if isinstance(of, str):
        return Scalar(of)
    kind, *parts = of
    if kind == "struct":
        return Struct(parts[0], structs)
    if kind == "map":
        return Map(go_type(parts[0], structs), go_type(parts[1], structs))
    inner = parts[-1]
    item = go_type(inner, structs)
    if kind == "pointer":
        return Pointer(item)
    length = parts[0] if kind == "array" else 0
    if inner in _CODES:
        return NumberSlice(item, length, _CODES[inner])
    if isinstance(item, NumberSlice) and inner[-1] in _CODES:  # of two dimensions
        return NumberSlice(item, length, _CODES[inner[-1]])
    return Slice(item, length)
