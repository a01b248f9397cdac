"""How many threads BLAS and OpenMP may use in a worker."""

from __future__ import annotations

import os

#: What libraries read that are loaded later. Not numba's: it refuses a change.
_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def require() -> None:
    """Raise ImportError if `limit` would."""
    try:
        import threadpoolctl  # noqa: F401
    except ImportError as error:
        message = "threads_per_worker needs threadpoolctl: pip install 'gopool[numeric]'"
        raise ImportError(message) from error


def limit(threads: int) -> None:
    """Limit the libraries that this process has loaded, and those that it will load."""
    os.environ.update(dict.fromkeys(_VARIABLES, str(threads)))
    import threadpoolctl

    threadpoolctl.threadpool_limits(threads)
