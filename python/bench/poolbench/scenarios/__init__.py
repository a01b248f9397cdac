"""All scenarios: importing this package registers them, in the order of the table."""

from poolbench.scenarios import (  # isort: skip  (this order is the table's)
    map_noop,
    imap,
    flood,
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
    following,
)

__all__ = [
    "apply",
    "arrays",
    "beside",
    "callers",
    "flood",
    "following",
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
