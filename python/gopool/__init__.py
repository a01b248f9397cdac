"""A worker pool with the API of `multiprocessing.Pool`, run by Go.

    with gopool.Pool(4) as p:
        print(p.map(f, items))

Importing this package loads no extension and starts nothing: the first pool does.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import CancelledError
    from multiprocessing import TimeoutError
    from types import ModuleType

    from ._context import get_context
    from ._current import worker_index, worker_state
    from ._errors import (
        BrokenPoolError,
        MaybeEncodingError,
        PoolTerminatedError,
        TaskTimeoutError,
        WorkerLostError,
    )
    from ._executor import PoolExecutor
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


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562).

    A worker imports this package too, and needs none of them: with spawn, what
    it imports is most of what it takes to start.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home: ModuleType
    if name in ("install", "uninstall"):
        from . import _install as home
    elif name in ("Shared", "shared"):
        from . import _shared as home
    elif name in ("CallOptions", "MapOptions"):
        from . import _options as home
    elif name == "register_joblib":
        from . import _joblib as home
    elif name == "PoolExecutor":
        from . import _executor as home
    elif name == "CancelledError":
        from concurrent import futures as home
    elif name in ("PoolStats", "WorkerStats"):
        from . import _stats as home
    elif name in ("worker_index", "worker_state"):
        from . import _current as home
    elif name == "get_context":
        from . import _context as home
    else:
        from . import _errors, pool

        home = pool if hasattr(pool, name) else _errors
    value: object = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
