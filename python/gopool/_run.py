"""Running a program as Python would run it, with gopool installed.

A program that ends may leave threads behind, and functions that are called at
exit. So its module is `__main__` for good, and nothing is tidied up after it.
"""

from __future__ import annotations

import builtins
import io
import os
import runpy
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from pkgutil import get_importer
from types import CodeType, ModuleType, TracebackType
from typing import Any, cast

from ._install import install

#: What `python -m` calls, and `python` for a directory or a zip file.
_run_module_as_main: Callable[[str, bool], object] = cast(Any, runpy)._run_module_as_main

#: Whether Python puts nothing of the program's in front of `sys.path`: its option -P or -I.
_SAFE_PATH = bool(getattr(sys.flags, "safe_path", sys.flags.isolated))


def run_module(name: str, *arguments: str) -> None:
    """Run a module as `python -m` does.

    Raises what the module raises, and SystemExit if there is none.
    """
    sys.argv = ["-m", *arguments]
    _replace_own_path(os.getcwd(), not _SAFE_PATH)
    _new_main()
    _execute(lambda: _run_module_as_main(name, True))


def run_file(path: str, *arguments: str) -> None:
    """Run a file as `python` does, or a directory or a zip file with a `__main__.py`.

    Raises what the program raises, and SystemExit if it can't be read.
    """
    sys.argv = [path, *arguments]
    if get_importer(path) is not None:
        _replace_own_path(_absolute(path), True)
        _new_main()
        _execute(lambda: _run_module_as_main("__main__", False))
        return
    _replace_own_path(os.path.dirname(os.path.realpath(path)), not _SAFE_PATH)
    path = _absolute(path)
    main = vars(_new_main())
    main.update(__file__=path, __cached__=None)
    _execute(lambda: exec(_load(path, main), main))


def _absolute(path: str) -> str:
    """Return a path as it is in the `__file__` of a program: `..` may follow a symbolic link."""
    return os.path.join(os.getcwd(), path)


def _replace_own_path(entry: str, wanted: bool) -> None:
    """Take what led to gopool off `sys.path`, and put in what leads to the program's modules."""
    if not _SAFE_PATH:
        del sys.path[0]
    if wanted:
        sys.path.insert(0, entry)


def _new_main() -> ModuleType:
    install()
    main = ModuleType("__main__")
    vars(main)["__builtins__"] = builtins
    # The second name is that of multiprocessing, which may be imported already.
    sys.modules["__main__"] = sys.modules["__mp_main__"] = main
    return main


def _load(path: str, main: dict[str, Any]) -> CodeType:
    """Return the code of a file; not by its loader where that would write a `__pycache__`."""
    if path.endswith(".pyc"):
        loader = main["__loader__"] = SourcelessFileLoader("__main__", path)
        code = loader.get_code("__main__")
        assert code is not None
        return code
    main["__loader__"] = SourceFileLoader("__main__", path)
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        reason = f"[Errno {error.errno}] {error.strerror}"
        print(f"gopool run: can't open file {path!r}: {reason}", file=sys.stderr)
        sys.exit(2)
    return compile(source, path, "exec", dont_inherit=True)


def _execute(run: Callable[[], object]) -> None:
    """Run the program. What it raises goes on to Python, which knows the exit status.

    It is shown by the program's `sys.excepthook`, from the program's frames on.
    """
    try:
        run()
    except BaseException:
        hook = sys.excepthook

        def show(
            kind: type[BaseException], error: BaseException, traceback: TracebackType | None
        ) -> None:
            sys.excepthook = hook
            traceback = _after_own_frames(traceback)
            hook(kind, error.with_traceback(traceback), traceback)

        sys.excepthook = show
        raise


def _after_own_frames(traceback: TracebackType | None) -> TracebackType | None:
    rest = traceback
    while traceback is not None:
        if traceback.tb_frame.f_globals is globals():
            rest = traceback.tb_next
        traceback = traceback.tb_next
    return rest
