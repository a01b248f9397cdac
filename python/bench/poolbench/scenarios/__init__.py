"""All scenarios: importing this package registers them, in the order of the table."""

from poolbench.scenarios import (  # isort: skip  (this order is the table's)
    map_noop,
    imap,
    flood,
    executor,
    apply,
    beside,
    callers,
    skew,
    occupancy,
    large,
    arrays,
    scale,
    start,
    leave,
    standing,
    threads,
)

__all__ = [
    "apply",
    "arrays",
    "beside",
    "callers",
    "executor",
    "flood",
    "imap",
    "large",
    "leave",
    "map_noop",
    "occupancy",
    "scale",
    "skew",
    "standing",
    "start",
    "threads",
]
