"""What the tests share; on ``sys.path`` of the tests and of their workers, whatever starts them."""

import multiprocessing.pool
from typing import Any, TypeAlias

PoolClass: TypeAlias = type[multiprocessing.pool.Pool]
"""The class under test: ``gopool.Pool`` or the one that it stands in for."""

# Names of multiprocessing.pool that its type stubs leave out.
_pool: Any = multiprocessing.pool
MaybeEncodingError: type[Exception] = _pool.MaybeEncodingError
RemoteTraceback: type[Exception] = _pool.RemoteTraceback
