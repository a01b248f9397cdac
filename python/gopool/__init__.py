"""A worker pool with the API of `multiprocessing.Pool`, run by Go.

    with gopool.Pool(4) as p:
        print(p.map(f, items))

`Pool` has worker processes, and `ThreadPool` threads. `GoPool` has goroutines, for functions of
Go packages that the command `gopool build` has made. `PoolExecutor` is for `concurrent.futures`.

Importing this package loads no extension and starts nothing: the first pool does.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import CancelledError
    from multiprocessing import TimeoutError

    from ._context import get_context
    from ._current import worker_index, worker_state
    from ._errors import (
        BrokenPoolError,
        GoError,
        GoPanicError,
        MaybeEncodingError,
        PoolTerminatedError,
        TaskTimeoutError,
        WorkerLostError,
    )
    from ._executor import PoolExecutor
    from ._gofunctions.pool import GoPool
    from ._install import install, uninstall
    from ._joblib import register_joblib
    from ._options import CallOptions, MapOptions
    from ._shared import Shared, shared
    from ._stats import PoolStats, WorkerStats
    from .pool import (
        AsyncResult,
        IMapIterator,
        IMapUnorderedIterator,
        MapResult,
        Pool,
        ThreadPool,
    )

__all__ = [
    "AsyncResult",
    "BrokenPoolError",
    "CallOptions",
    "CancelledError",
    "GoError",
    "GoPanicError",
    "GoPool",
    "IMapIterator",
    "IMapUnorderedIterator",
    "MapOptions",
    "MapResult",
    "MaybeEncodingError",
    "Pool",
    "PoolExecutor",
    "PoolStats",
    "PoolTerminatedError",
    "Shared",
    "TaskTimeoutError",
    "ThreadPool",
    "TimeoutError",
    "WorkerLostError",
    "WorkerStats",
    "get_context",
    "install",
    "register_joblib",
    "shared",
    "uninstall",
    "worker_index",
    "worker_state",
]

__version__ = "0.1.0"


# Where names are that are not in `pool`.
_HOMES = {
    "BrokenPoolError": "gopool._errors",
    "CallOptions": "gopool._options",
    "CancelledError": "concurrent.futures",
    "GoError": "gopool._errors",
    "GoPanicError": "gopool._errors",
    "GoPool": "gopool._gofunctions.pool",
    "MapOptions": "gopool._options",
    "MaybeEncodingError": "gopool._errors",
    "PoolExecutor": "gopool._executor",
    "PoolStats": "gopool._stats",
    "PoolTerminatedError": "gopool._errors",
    "Shared": "gopool._shared",
    "TaskTimeoutError": "gopool._errors",
    "TimeoutError": "gopool._errors",
    "WorkerLostError": "gopool._errors",
    "WorkerStats": "gopool._stats",
    "get_context": "gopool._context",
    "install": "gopool._install",
    "register_joblib": "gopool._joblib",
    "shared": "gopool._shared",
    "uninstall": "gopool._install",
    "worker_index": "gopool._current",
    "worker_state": "gopool._current",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562).

    A worker imports this package too, and needs none of them: with spawn, what
    it imports is most of what it takes to start.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES.get(name, "gopool.pool")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
