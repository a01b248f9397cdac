"""What workers find by its name, and what has to be sent to them by value.

Pickle sends a function or class as a name. It checks that the name leads there in
this process; that it does so in a worker is not known to it. What was defined in
`__main__` when the workers had been started (a cell of a notebook), they do not have.
"""

from __future__ import annotations

import pickle
import sys
import weakref
from collections.abc import Callable
from importlib.machinery import PathFinder
from multiprocessing.context import BaseContext
from multiprocessing.reduction import ForkingPickler
from types import FunctionType, ModuleType
from typing import Any

from . import _process
from ._packer import PROTOCOL, Sink

KeepOut = Callable[[pickle.PickleBuffer], bool]

# The second is what `__main__` is called in children of spawn and forkserver.
_MAIN = frozenset({"__main__", "__mp_main__"})


class Names:
    """The names that the workers of a pool know: made before the first of them starts.

    It tells by what is known here; nobody asks the workers. What was added later to a
    module other than `__main__` is taken for known, as pickle takes it.
    """

    def __init__(self, context: BaseContext) -> None:
        main = sys.modules["__main__"]
        forked = context.get_start_method() == "fork"
        runs_main = forked or (getattr(context, "runs_main", True) and _is_run_again())
        # Not their names alone: one that was defined anew means something else.
        self._main = {
            name: weakref.ref(thing)
            for name, thing in (_contents(main) if runs_main else ())
            if isinstance(thing, (FunctionType, type))
        }
        self._path = list(sys.path)
        self._modules = dict.fromkeys(sys.modules, True) if forked else {}
        #: Classes that workers do not find may come at any time: the program is being typed.
        self.looks_closely = hasattr(sys, "ps1") or not runs_main or not _has_file(main)

    def find(self, thing: FunctionType | type) -> bool:
        """Tell whether workers have what has this thing's name here."""
        module = thing.__module__
        if not isinstance(module, str) or "<" in thing.__qualname__:
            return True  # it is a lambda or local, has no name, and pickle will say so
        if module in _MAIN:
            root = thing.__qualname__.partition(".")[0]
            there = vars(sys.modules["__main__"]).get(root)
            return there is not None and root in self._main and self._main[root]() is there
        found = self._modules.get(module)
        if found is None:
            found = self._modules[module] = self._can_be_imported(module)
        return found and not _is_registered(module)

    def _can_be_imported(self, name: str) -> bool:
        module = sys.modules.get(name)
        if getattr(module, "__spec__", None) is None:
            return False  # made by a program, and known to it alone
        root = name.partition(".")[0]
        for finder in sys.meta_path:
            path = self._path if finder is PathFinder else None
            find = getattr(finder, "find_spec", None)
            if find is not None and find(root, path) is not None:
                return True
        return False

    def pickler(self, file: Any, keep_out: KeepOut) -> ForkingPickler:
        """Return a pickler for arguments.

        In a script it is `multiprocessing`'s. To ask for each object makes pickling of
        small ones cost a third more, and scripts have their classes before their pools.
        """
        if self.looks_closely:
            return _Asking(file, self, keep_out)
        return ForkingPickler(file, PROTOCOL, True, keep_out)

    def asking_pickler(self, file: Any, keep_out: KeepOut) -> ForkingPickler:
        """Return a pickler that raises PicklingError for what workers do not find."""
        return _Asking(file, self, keep_out)

    def dump_by_value(self, value: Any, reason: Exception, sink: Sink) -> None:
        """Pickle what was not found by its name, for `reason`."""
        with _process.forking:
            from . import _by_value
        _by_value.dump(value, self, reason, sink)


class _Asking(ForkingPickler):
    def __init__(self, file: Any, names: Names, keep_out: KeepOut) -> None:
        super().__init__(file, PROTOCOL, True, keep_out)
        self._names = names

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, (FunctionType, type)) and not self._names.find(thing):
            raise pickle.PicklingError(f"workers do not find {thing!r}")
        return NotImplemented


def _has_file(main: ModuleType) -> bool:
    file = getattr(main, "__file__", None)
    return file is not None and not file.startswith("<")  # as in "<stdin>"


def _contents(module: ModuleType) -> list[tuple[str, Any]]:
    return list(vars(module).items())


def _is_run_again() -> bool:
    """Tell whether children that are not forked run the program's file, up to its guard."""
    from multiprocessing import spawn  # takes its time, and forked workers do without

    data = spawn.get_preparation_data("")
    return "init_main_from_name" in data or "init_main_from_path" in data


def _is_registered(module: str) -> bool:
    """Tell whether the program wants a module, or its package, sent by value."""
    list_registered = getattr(sys.modules.get("cloudpickle"), "list_registry_pickle_by_value", None)
    if list_registered is None:
        return False
    registered = list_registered()
    while module and module not in registered:
        module = module.rpartition(".")[0]
    return bool(module)
