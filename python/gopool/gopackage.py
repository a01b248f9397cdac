"""What the packages import that `gopool build` makes of Go packages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ._extension import Extension
from ._gofunctions import packer  # noqa: F401  # says so if msgpack is missing
from ._gofunctions.function import GoFunction
from ._gofunctions.structs import Declared
from ._gofunctions.types import Array, Numbers, go_type

if TYPE_CHECKING:
    from ._gofunctions.structs import Structs
    from ._gofunctions.types import Descriptor

__all__ = ["Array", "GoFunction", "Numbers", "Package"]

_ABI = 1  # as gopool/gofunc has it


class Package:
    """A Go package: its structs, its functions, and the extension that has them."""

    def __init__(self, name: str, *, abi: int) -> None:
        """Make the package of a module. Raises ImportError if it is not for this gopool."""
        if abi != _ABI:
            raise ImportError(f"{name} was built for another version of gopool: {_REPAIR}")
        self.name = name
        #: Loaded by the first call, or the first pool that is given a function.
        self.native: Any = Extension(f"{name}._native", "binding_", abi, _REPAIR)
        self._structs: Structs = {}

    def struct(self, fields: Sequence[tuple[str, Descriptor]]) -> Callable[[type], type]:
        """Return a decorator that makes a class the dataclass of a struct with these fields."""

        def declare(cls: type) -> type:
            self._structs[cls.__name__] = Declared(cls, fields, self._structs)
            return cls

        return declare

    def function(
        self,
        number: int,
        name: str,
        *,
        params: Sequence[tuple[str, Descriptor]],
        results: Sequence[Descriptor],
        variadic: bool,
        doc: str = "",
    ) -> GoFunction:
        """Return the function that has a number in the package."""
        types = [(param, go_type(of, self._structs)) for param, of in params]
        if variadic:
            param, of = params[-1]
            types[-1] = param, go_type(of[1], self._structs)
        returned = [go_type(of, self._structs) for of in results]
        return GoFunction(self, number, name, types, returned, variadic, doc)


_REPAIR = "build it again by `gopool build`"
