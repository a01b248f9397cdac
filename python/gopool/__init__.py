"""A worker pool with the API of `multiprocessing.Pool`, run by Go.

    with gopool.Pool(4) as p:
        print(p.map(f, items))

Importing this package loads no extension and starts nothing: the first pool does.
"""

from multiprocessing import TimeoutError

from ._errors import (
    BrokenPoolError,
    MaybeEncodingError,
    PoolTerminatedError,
    WorkerLostError,
)
from .pool import AsyncResult, MapResult, Pool

__all__ = [
    "AsyncResult",
    "BrokenPoolError",
    "MapResult",
    "MaybeEncodingError",
    "Pool",
    "PoolTerminatedError",
    "TimeoutError",
    "WorkerLostError",
]

__version__ = "0.1.0"
