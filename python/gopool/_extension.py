"""Extensions that hold a Go runtime: loaded when first used, and out of reach in a forked child.

A Go runtime does not survive a fork. So in a forked child of a process that had loaded
it every use raises at once, and finalizers find that there is nothing to be called.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from typing import Any

from ._interrupts import register_at_fork


class Extension:
    """An extension, loaded when the first of its functions is looked up.

    Looked up again, a function is an attribute like any other. In a forked child
    there are none, and every look-up raises RuntimeError.
    """

    _forked_from: int | None = None

    def __init__(self, module: str, prefix: str, abi: int, repair: str) -> None:
        """Name a module, whose functions begin with `prefix`; one of them tells its ABI.

        `repair` says what is to be done if that is another one.
        """
        self._module = module
        self._prefix = prefix
        self._abi = abi
        self._repair = repair
        _all.append(self)

    def __getattr__(self, name: str) -> Any:
        if self._forked_from is not None:
            raise RuntimeError(
                f"this process was forked from process {self._forked_from}, which had started "
                "gopool; use its pools there, or start this process by spawn or forkserver"
            )
        if not name.startswith(self._prefix):
            raise AttributeError(name)
        from importlib import import_module

        module = import_module(self._module)
        loaded = {key: value for key, value in vars(module).items() if key.startswith(self._prefix)}
        if loaded[f"{self._prefix}ABI"]() != self._abi:
            raise ImportError(f"{self._module} is from another version of gopool: {self._repair}")
        vars(self).update(loaded)
        return loaded[name]

    def is_usable(self) -> bool:
        """Tell whether it is loaded, and by this process."""
        return f"{self._prefix}ABI" in vars(self)

    def is_forked(self) -> bool:
        """Tell whether this process was forked from one that had loaded it."""
        return self._forked_from is not None

    def disown(self) -> None:
        """In a forked child: have every use raise."""
        # The functions are kept, out of reach: to drop them is to write to their
        # memory, which each worker would have to copy when it starts.
        kept = self.__dict__
        self.__dict__ = {
            "_forked_from": os.getppid(),
            "_prefix": self._prefix,
            "_kept": kept,
        }


#: For the hook of `os.fork`; modules that have one live as long as the process.
_all: list[Extension] = []


def _disown_all() -> None:
    loaded = [extension for extension in _all if extension.is_usable()]
    if loaded:
        drop_handlers()
    for extension in loaded:  # last: who finds one disowned looks no further
        extension.disown()


register_at_fork(after_in_child=_disown_all)


def drop_handlers() -> None:
    """In a forked child: put what Python knows of in the place of Go's signal handlers.

    These need Go to run. Where faulthandler is enabled its handlers may be below Go's, which
    pass a crash on; so these stay.
    """
    numbers = [signal.SIGPIPE, signal.SIGURG]
    if not faulthandler.is_enabled():
        numbers += [signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE]
    for number in numbers:
        handler = signal.getsignal(number)
        if handler is not None:  # it is not Python's to set
            signal.signal(number, handler)
