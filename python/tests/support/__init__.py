"""What the tests share; on ``sys.path`` of the tests and of their workers, whatever starts them."""

from multiprocessing.pool import Pool
from typing import TypeAlias

PoolClass: TypeAlias = type[Pool]
"""The class under test: ``gopool.Pool`` or the one that it stands in for."""
