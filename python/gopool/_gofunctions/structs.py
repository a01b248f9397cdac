"""Structs of Go as dataclasses of Python."""

from __future__ import annotations

import dataclasses
import keyword
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .types import go_type

if TYPE_CHECKING:
    from typing import TypeAlias

    from .packer import Packer
    from .types import Descriptor

    Structs: TypeAlias = dict[str, "Declared"]

#: The structs of all packages, by class.
declared: dict[type, Declared] = {}


class Declared:
    """A struct that a package has declared: its class, and how values are packed and revived."""

    def __init__(
        self, cls: type, fields: Sequence[tuple[str, Descriptor]], structs: Structs
    ) -> None:
        """Make a class a dataclass of these fields, each with Go's zero value as its default."""
        self._fields = [(name, wire_name(name), go_type(of, structs)) for name, of in fields]
        cls.__annotations__ = {n: kind.annotation(result=True) for n, _, kind in self._fields}
        for name, _, kind in self._fields:
            setattr(cls, name, dataclasses.field(default_factory=kind.zero))
        cls.__eq__ = _equal  # type: ignore[method-assign, assignment]
        cls.__hash__ = None  # type: ignore[assignment]
        self.cls: Any = dataclasses.dataclass(eq=False)(cls)
        self._renamed = [(name, wire) for name, wire, _ in self._fields if name != wire]
        self._to_revive = [(n, kind.revive) for n, _, kind in self._fields if kind.revive]
        declared[cls] = self

    def fields(self, value: Any, packer: Packer) -> dict[str, Any]:
        """Return what is to be packed for a value."""
        return {
            wire: kind.prepared(getattr(value, name), packer) for name, wire, kind in self._fields
        }

    def revive(self, value: dict[str, Any]) -> Any:
        """Return a value from the fields that were unpacked, which are all; they become its own.

        A result may have many: to call the class would take most of the time.
        """
        for name, wire in self._renamed:
            value[name] = value.pop(wire)
        for name, revive in self._to_revive:
            value[name] = revive(value[name])
        made = object.__new__(self.cls)
        made.__dict__ = value
        return made


def wire_name(name: str) -> str:
    """Return what Go calls a field: names that Python has other use for have "_" behind them."""
    return name[:-1] if keyword.iskeyword(name[:-1]) and name.endswith("_") else name


def _equal(self: Any, other: Any) -> Any:
    """Compare as dataclasses do, and arrays by their numbers."""
    if type(other) is not type(self):
        return NotImplemented
    return _same(vars(self), vars(other))


def _same(one: Any, other: Any) -> bool:
    one = one.tolist() if hasattr(one, "tolist") else one
    other = other.tolist() if hasattr(other, "tolist") else other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)
