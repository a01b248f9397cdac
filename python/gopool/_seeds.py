"""Random numbers of a worker's own, that are the same each time."""

from __future__ import annotations

import random

from ._current import worker_state


def seed(root: int, index: int, generation: int) -> None:
    """Seed the generators of a worker by the pool's seed and which worker it is.

    Those that took the place of others count as well, or they would draw the same
    numbers again. numpy is imported if there is one: a generator that was not
    there yet could not be seeded.
    """
    random.seed(f"gopool {root} {index} {generation}")  # hashed, with SHA-512
    try:
        import numpy
    except ImportError:
        return
    sequence = numpy.random.SeedSequence(root, spawn_key=(index, generation))
    legacy, own = sequence.spawn(2)
    numpy.random.seed(legacy.generate_state(8))
    worker_state().rng = numpy.random.default_rng(own)
