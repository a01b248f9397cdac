"""The pool's exceptions as an executor raises them: as `BrokenProcessPool`, too.

Programs that use `concurrent.futures` catch that one. Imported when there is one to
raise, because `concurrent.futures.process` takes time to import.
"""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool

from . import _errors


class WorkerLostError(_errors.WorkerLostError, BrokenProcessPool):
    __doc__ = _errors.WorkerLostError.__doc__


class PoolTerminatedError(_errors.PoolTerminatedError, BrokenProcessPool):
    __doc__ = _errors.PoolTerminatedError.__doc__


class BrokenPoolError(_errors.BrokenPoolError, BrokenProcessPool):
    __doc__ = _errors.BrokenPoolError.__doc__


def twin(error: BaseException) -> BaseException:
    """Return an exception of the pool's as the one that is also a `BrokenProcessPool`."""
    cls: type[BaseException] = globals()[type(error).__name__]
    made = cls(*error.args)
    made.__dict__.update(error.__dict__)
    return made.with_traceback(error.__traceback__)
