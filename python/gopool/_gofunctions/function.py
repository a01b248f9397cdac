"""Functions of Go packages, to be called here and to be given to pools.

A call packs its arguments, calls into the package's extension, and unpacks what it
finds there. For pools many calls are packed at a time (`packing.py`), and Go makes each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import inspect

    from .._coder import Function
    from ..gopackage import Package
    from .packer import Packer
    from .scratch import Scratch
    from .types import GoType


class _Signature:
    """Makes a function's signature when it is first asked for, and is not asked again.

    With a `__getattr__` instead, CPython would look up all attributes in its slow way.
    """

    def __get__(self, function: GoFunction | None, owner: type[GoFunction]) -> inspect.Signature:
        if function is None:  # `inspect` takes that of the constructor, then
            raise AttributeError("__signature__")
        signature = vars(function)["__signature__"] = function._make_signature()
        return signature


class GoFunction:
    """A function of a Go package.

    It is called like one of Python's, from any thread, and releases the GIL. In a pool it
    runs in goroutines. Its signature is that of Go without the context, which comes from the
    pool, and without the error, which is raised as `gopool.GoError`. A panic is
    raised as `gopool.GoPanicError`.
    """

    __signature__ = _Signature()
    #: What pools tell Go of it, once one has.
    encoded: Function | None = None

    def __init__(
        self,
        package: Package,
        number: int,
        name: str,
        params: Sequence[tuple[str, GoType]],
        results: Sequence[GoType],
        variadic: bool,
        doc: str,
    ) -> None:
        """Make one of the package. The type of a variadic parameter is that of each argument."""
        self.package = package
        self.number = number
        #: How many arguments it takes; any number, if that is below 0.
        self.arity = -1 if variadic else len(params)
        self.__name__ = self.__qualname__ = name
        self.__module__ = package.name
        self.__doc__ = doc
        self._names = [param for param, _ in params]
        self._types = [kind for _, kind in params]
        self._results = results
        #: Whether arguments have to be adapted before they are packed.
        self.adapts = any(kind.adapt is not None for kind in self._types)
        #: The code of the numbers that it takes, if it takes one that pools put into columns.
        self.column = self._types[0].column if self.arity == 1 else ""
        #: Revives a value that was unpacked, if that is needed.
        self.reviver = _reviver(results)
        #: Unpacks what the results were packed as.
        self.unpack = _unpacker(results)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != self.arity:
            args = self.bind(args, kwargs)
        scratch = borrow()
        try:
            packed = self.pack(args, scratch.packer)
            value = scratch.call(self.package.native, self.number, packed, self.unpack)
        finally:
            give_back(scratch)
        return value if self.reviver is None else self.reviver(value)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return arguments in the order of the parameters. Raises TypeError if they do not fit."""
        if not kwargs and self.takes(len(args)):
            return args
        try:
            return self.__signature__.bind(*args, **kwargs).args
        except TypeError as error:
            raise TypeError(f"{self.__name__}() {error}") from None

    def takes(self, count: int) -> bool:
        """Tell whether so many arguments fit the parameters."""
        return count == self.arity or (self.arity < 0 and count >= len(self._names) - 1)

    def pack(self, args: Sequence[Any], packer: Packer) -> bytes:
        """Return arguments packed, as an array. What it raises names the parameter."""
        try:
            return packer.pack(self.adapted(args, packer) if self.adapts else args)
        except (TypeError, OverflowError, ValueError) as error:
            raise self._blame(args, packer, error) from None

    def pack_one(self, value: Any, packer: Packer) -> bytes:
        """Return the argument of a function of one parameter packed. Raises as `pack`."""
        try:
            return packer.pack(self._types[0].prepared(value, packer))
        except (TypeError, OverflowError, ValueError) as error:
            raise self._blame((value,), packer, error) from None

    def adapted(self, args: Sequence[Any], packer: Packer) -> list[Any]:
        """Return arguments as they are to be packed."""
        types = self._each(self._types, len(args))
        return [kind.prepared(value, packer) for value, kind in zip(args, types, strict=True)]

    def _each(self, of_params: list[Any], count: int) -> list[Any]:
        """Return what there is for each parameter, once for each of so many arguments."""
        return (of_params + of_params[-1:] * (count - len(of_params)))[:count]

    def _blame(self, args: Sequence[Any], packer: Packer, error: Exception) -> Exception:
        """Return the error with the name of the first parameter that cannot be packed."""
        names, types = (self._each(each, len(args)) for each in (self._names, self._types))
        for value, name, kind in zip(args, names, types, strict=True):
            try:
                packer.pack(kind.prepared(value, packer))
            except (TypeError, OverflowError, ValueError) as reason:
                where = f"{self.__name__}() argument {name!r}"
                if isinstance(reason, UnicodeEncodeError):
                    reason.reason = f"{where}: {reason.reason}"
                    return reason
                refusal = next(each for each in _REFUSALS if isinstance(reason, each))
                return refusal(f"{where}: {reason}")
        return error

    def revive(self, value: Any) -> Any:
        """Return a result, from what was unpacked."""
        return value if self.reviver is None else self.reviver(value)

    def _make_signature(self) -> inspect.Signature:
        import inspect  # which is large, and all pools import this module

        kinds: list[Any] = [inspect.Parameter.POSITIONAL_OR_KEYWORD] * len(self._names)
        if self.arity < 0:
            kinds[-1] = inspect.Parameter.VAR_POSITIONAL
        parameters = [
            inspect.Parameter(name, kind, annotation=of.annotation(result=False))
            for name, kind, of in zip(self._names, kinds, self._types, strict=True)
        ]
        results = tuple(kind.annotation(result=True) for kind in self._results)
        returns: Any = results[0] if len(results) == 1 else None
        if len(results) > 1:
            returns = tuple[results]  # type: ignore[valid-type]
        return inspect.Signature(parameters, return_annotation=returns)

    def __repr__(self) -> str:
        return f"<Go function {self.__module__}.{self.__name__}{self.__signature__}>"

    def __reduce__(self) -> str:
        return self.__qualname__


#: What a value is refused with, the special ones first.
_REFUSALS = (OverflowError, TypeError, ValueError)

_idle: deque[Scratch] = deque()


def borrow() -> Scratch:
    """Return a scratch that nobody else uses. Give it back."""
    try:
        return _idle.pop()
    except IndexError:
        from .scratch import Scratch  # with what only who calls Go imports

        return Scratch()


def give_back(scratch: Scratch) -> None:
    """Let others have a scratch, and hold no more what it has packed by address."""
    if scratch.packer.kept:
        scratch.packer.kept = []
    _idle.append(scratch)


def _unpacker(results: Sequence[GoType]) -> Callable[[bytes | memoryview], Any]:
    from .packer import unpack, unpack_plain

    return unpack_plain if all(kind.is_plain for kind in results) else unpack


def _reviver(results: Sequence[GoType]) -> Callable[[Any], Any] | None:
    """Return what revives the value that a function's results were packed as, if need be."""
    revivers = [kind.revive for kind in results]
    if len(results) == 1:
        return revivers[0]
    if not results:
        return None
    if not any(revivers):
        return tuple
    return lambda values: tuple(
        kind.revived(value) for kind, value in zip(results, values, strict=True)
    )
