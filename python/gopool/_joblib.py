"""Where joblib learns of its backend "gopool". It is not imported before."""

from __future__ import annotations


def register_joblib(*, make_default: bool = False) -> None:
    """Make `joblib.parallel_config(backend="gopool")` known, on which scikit-learn's `n_jobs` runs.

    With `make_default` every `joblib.Parallel` that names no backend runs on gopool.
    Raises ImportError if joblib is not installed. Calls
    `joblib.register_parallel_backend`, and does no harm the second time.
    """
    try:
        import joblib
    except ImportError as error:
        raise ImportError("joblib is not installed: pip install 'gopool[joblib]'") from error
    from ._joblib_backend import GopoolBackend

    joblib.register_parallel_backend("gopool", GopoolBackend, make_default=make_default)
