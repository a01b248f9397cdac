"""Pickling by value: what nobody finds by its name.

A module of its own, because hardly any program needs it, and it imports cloudpickle.
"""

from __future__ import annotations

import pickle
import sys
import threading
from contextlib import ExitStack
from multiprocessing.reduction import ForkingPickler
from operator import attrgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any

import cloudpickle

from ._packer import PROTOCOL, Sink

if TYPE_CHECKING:
    from ._names import Names

# Held while modules of this process are registered with cloudpickle for one pickle.
# Workers never take it: one may be forked while it is held.
_registering = threading.RLock()


def dump(
    value: Any, names: Names | None, reason: Exception, sink: Sink, *, apart: bool = True
) -> None:
    """Pickle what `multiprocessing` could not pickle for `reason`, or workers would not find.

    In a worker there are no `names`: the caller finds what is found there. Raises an
    exception of the type of `reason` if this does not do either. Large buffers are
    kept `apart`.
    """
    keep_out = sink.keep_out if apart else None
    try:
        if names is None:
            _Pickler(sink, keep_out).dump(value)
        else:
            with _registering, ExitStack() as stack:
                _ForWorkers(sink, keep_out, names, stack).dump(value)
    except Exception as error:
        raise _explained(reason, error) from error


def _explained(reason: Exception, error: Exception) -> Exception:
    """Return an exception that says why neither way does, and what would."""
    kind = pickle.PicklingError if isinstance(reason, pickle.PicklingError) else AttributeError
    return kind(
        f"{reason}; nor can it be sent by value: {error}. Define it at the top level of a module "
        "that workers can import, or let it refer to nothing that can't be pickled (initializer= "
        "of a pool is where workers open what can't be sent)"
    )


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle's, with the reducers that were registered with `multiprocessing`.

    What is found in `__main__` by its name goes by name, where cloudpickle would copy
    it: a copied class is not the class that `__main__` has on the other side.
    """

    def __init__(self, file: Sink, keep_out: Any) -> None:
        registered = ForkingPickler(file).dispatch_table
        self.dispatch_table = {
            **cloudpickle.Pickler.dispatch_table,
            **registered,
        }  # before pickle asks for it
        super().__init__(file, PROTOCOL, keep_out)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, (FunctionType, type)) and self._goes_by_name(obj):
            return NotImplemented
        return super().reducer_override(obj)

    def _goes_by_name(self, thing: FunctionType | type) -> bool:
        return thing.__module__ == "__main__" and _is_there(thing)


class _ForWorkers(_Pickler):
    """The same for what workers have by `names`; `stack` undoes what one pickle needed."""

    def __init__(self, file: Sink, keep_out: Any, names: Names, stack: ExitStack) -> None:
        super().__init__(file, keep_out)
        self._names = names
        self._stack = stack

    def _goes_by_name(self, thing: FunctionType | type) -> bool:
        if self._names.find(thing):
            return super()._goes_by_name(thing)
        module = sys.modules.get(thing.__module__)
        if (
            module is not None
            and thing.__module__ != "__main__"
            and thing.__module__ not in cloudpickle.list_registry_pickle_by_value()
        ):
            cloudpickle.register_pickle_by_value(module)
            self._stack.callback(cloudpickle.unregister_pickle_by_value, module)
        return False


def _is_there(thing: FunctionType | type) -> bool:
    """Tell whether a thing's name leads to it in `__main__`."""
    try:
        return attrgetter(thing.__qualname__)(sys.modules["__main__"]) is thing
    except AttributeError:
        return False
