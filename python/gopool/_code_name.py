"""The name of an encoded function: found in its pickle, without running what is pickled there."""

from __future__ import annotations

import io
import pickle
from typing import Any

from . import _codec, _mention

#: What is said of a function whose pickle does not tell.
UNKNOWN = "a function"


def name_of(code: bytes, convention: int) -> str:
    """Return the qualified name of a function, or the class of another callable."""
    if convention & _codec.LENT:
        return UNKNOWN
    if convention & _codec.GO:
        from ._gofunctions.packing import names

        return names.get(code, UNKNOWN)
    try:
        data = _mention.skip(memoryview(code)) if convention & _codec.MENTIONING else code
        return _name(_Reader(io.BytesIO(data)).load())
    except Exception:  # what pickles do is up to their classes
        return UNKNOWN


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return type(name, (_Standin,), {})

    def persistent_load(self, _: object) -> None:
        return None


class _Standin:
    """In the place of any class or function, and of what it returns."""

    name = ""  # of a function that is pickled by value

    def __new__(cls, *args: Any, **_: Any) -> Any:
        self = super().__new__(cls)
        if cls.__name__ == "getattr":  # a bound method
            self.name = f"{_name(args[0])}.{args[1]}"
        elif cls.__name__ == "Retrying":  # ours, around what is called
            self.name = _name(args[0])
        elif cls.__name__ == "_rebuild_partial":  # multiprocessing's
            self.name = "partial"
        elif cls.__name__ == "_function_setstate":  # cloudpickle's
            args[0].name = args[1][1]["__qualname__"]
        return self

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *args: Any) -> _Standin:
        made = _Standin()
        if args and isinstance(args[0], _Standin):  # a method of a class that goes by value
            made.name = args[0].name
        return made

    def __setstate__(self, _: object) -> None:
        pass

    def __setitem__(self, _: object, __: object) -> None:
        pass

    def append(self, _: object) -> None:
        pass


def _name(value: Any) -> str:
    if isinstance(value, type):
        return value.__name__
    return getattr(value, "name", "") or type(value).__name__
