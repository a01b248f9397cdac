"""All scenarios: importing this package registers them, in the order of the table."""

from poolbench.scenarios import (  # isort: skip  (this order is the table's)
    map_noop,
    flood,
    apply,
    start,
    leave,
    occupancy,
    skew,
    large,
)

__all__ = ["apply", "flood", "large", "leave", "map_noop", "occupancy", "skew", "start"]
