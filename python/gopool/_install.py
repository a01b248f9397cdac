"""gopool's pools in the place of the standard library's, in this process and its children.

Whatever makes a pool in `multiprocessing` (`Pool`, `dummy.Pool`, the method `Pool`
of each context) looks up a class in `multiprocessing.pool` when it is called. So
only the two classes there are replaced, and names of the others that a program
imported before `install` lead to gopool as well.

Workers import this module: it imports little, and `multiprocessing.pool` and
`gopool.pool` are left until a program asks for them.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from multiprocessing import spawn
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from typing import Any

_POOL_MODULE = "multiprocessing.pool"
_REPLACED = ("Pool", "ThreadPool")

#: What sees the standard classes: the server of `Manager`, which may be forked beside
#: a pool, and what pickles and unpickles for it. A pickle that names a class of
#: `multiprocessing.pool` is always of the standard one; gopool's have names of their own.
_SEE_STANDARD = tuple(
    f"multiprocessing.{name}" for name in ("managers", "reduction", "spawn", "connection", "queues")
)

_installed = False
_standard_preparation_data = spawn.get_preparation_data


def install() -> None:
    """Have programs that ask `multiprocessing` for a pool get one of gopool's.

    That goes for `multiprocessing.Pool`, `multiprocessing.pool.Pool` and
    `ThreadPool`, `multiprocessing.dummy.Pool` and the method `Pool` of every
    context, here and in all processes that `multiprocessing` starts from now on.

    Pools that exist are not touched. A class that was imported by
    `from multiprocessing.pool import Pool` before stays what it is. Does nothing
    the second time; `uninstall` takes it back.
    """
    global _installed, _standard_preparation_data
    if _installed:
        return
    _installed = True
    _standard_preparation_data = spawn.get_preparation_data
    spawn.get_preparation_data = _preparation_data
    sys.meta_path.insert(0, _Finder)
    _set_class(_PoolModule)


def uninstall() -> None:
    """Take `install` back, for this process and those that it starts from now on.

    Pools that exist go on. Does nothing if nothing is installed.
    """
    global _installed
    if not _installed:
        return
    _installed = False
    spawn.get_preparation_data = _standard_preparation_data
    sys.meta_path.remove(_Finder)
    _set_class(ModuleType)


class _PoolModule(ModuleType):
    """The class of `multiprocessing.pool` while gopool is installed.

    What the module holds is not changed, only what others see of it: standard
    pools, which may exist, find their own classes there by name. And a class can
    be lazy about attributes that are there, where `__getattr__` in a module can't.
    """

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        # What a third party has put there is not ours to replace.
        if name not in _REPLACED or getattr(value, "__module__", None) != _POOL_MODULE:
            return value
        if _is_caller(*_SEE_STANDARD):
            return value
        import gopool

        from . import _core

        if _core.is_forked():
            return value  # Go does not survive a fork, and the program shall go on
        # gopool.pool itself, while it is imported, asks for what it is derived from.
        return getattr(gopool, name, value)


class _Finder:
    """Finds `multiprocessing.pool` for the import system, if that is not imported yet."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _POOL_MODULE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader.create_module = _new_module  # type: ignore[method-assign]
        return spec


def _new_module(spec: ModuleSpec) -> ModuleType:
    return _PoolModule(spec.name)


def _set_class(cls: type[ModuleType]) -> None:
    module = sys.modules.get(_POOL_MODULE)
    if module is not None:
        module.__class__ = cls


def _is_caller(*modules: str) -> bool:
    """Tell whether the function that asks was called by code of one of the modules."""
    return sys._getframe(2).f_globals.get("__name__") in modules


class _Call:
    """Is unpickled as what a function returns."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call


def _preparation_data(name: str) -> dict[str, Any]:
    """Return what a spawned process unpickles before all else, and have it install gopool.

    It imports the main module next, which may ask for a pool's class.
    """
    data = _standard_preparation_data(name)
    if _is_caller("multiprocessing.forkserver"):
        # The server of forkserver gets no pickle. Let it not import the main module
        # for its children (3.12.9 and 3.13.2 do), which would get standard pools.
        data.pop("init_main_from_path", None)
        return data
    # Where gopool is, only the parent's sys.path may tell.
    place = {key: data[key] for key in ("dir", "sys_path")}
    data["gopool"] = [_Call(spawn.prepare, place), _Call(install)]
    return data
