"""``imap`` and ``imap_unordered``: results one by one, in little memory."""

from __future__ import annotations

import time
from collections.abc import Iterator

from poolbench import procfs
from poolbench.libraries import REFERENCE
from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2
ITEM_BYTES = 10_000
PAUSE_SECONDS = 10e-3
ITEMS_PER_PAUSE = 100

THROUGHPUT = Line("throughput", "tasks/s", "higher", target=Target("at least", 20))


@scenario("imap", THROUGHPUT, size=100_000, quick_size=10_000, peer_size=20_000)
def imap(library: Library, size: int) -> Figures:
    """Walk ``imap`` of a no-op over ints, ``chunksize=1``, 2 workers; count results per second."""
    with library.open_warm(WORKERS) as pool:
        start = time.perf_counter()
        results = list(pool.imap(noop, range(size), 1))
        elapsed = time.perf_counter() - start
    check(results == list(range(size)), "imap of a no-op")
    return {"throughput": size / elapsed}


@scenario("imap-unordered", THROUGHPUT, size=100_000, quick_size=10_000, peer_size=20_000)
def imap_unordered(library: Library, size: int) -> Figures:
    """Walk ``imap_unordered`` in the same way."""
    with library.open_warm(WORKERS) as pool:
        start = time.perf_counter()
        results = list(pool.imap_unordered(noop, range(size), 1))
        elapsed = time.perf_counter() - start
    check(sorted(results) == list(range(size)), "imap_unordered of a no-op")
    return {"throughput": size / elapsed}


@scenario(
    "imap-memory",
    Line("peak RSS", "MB", "lower", compare="value", target=Target("at most", 200)),
    size=200_000,
    quick_size=20_000,
    peer_size=50_000,
    sizes={REFERENCE: 100_000},
    rounds=3,
)
def imap_memory(library: Library, size: int) -> Figures:
    """Walk ``imap`` over items of 10 kB from a generator, with a consumer that is slow; 2 workers.

    The consumer pauses for 100 µs an item. Reported is the most memory that the calling process had
    at any time. A library that takes in all items at once, or piles up results that nobody has
    asked for, shows it here; one that keeps a window needs as much for a million items as for
    a thousand. To be kind to the machine, ``multiprocessing.Pool`` gets half the items.
    """
    items = (number.to_bytes(4, "big") * (ITEM_BYTES // 4) for number in range(size))
    with library.open_warm(WORKERS) as pool:
        count = sum(_is_item(*pair) for pair in enumerate(_slowly(pool.imap(noop, items, 1))))
    check(count == size, "imap of 10 kB items")
    return {"peak RSS": procfs.peak_resident_bytes() / procfs.MEGABYTE}


def _slowly(results: Iterator[bytes]) -> Iterator[bytes]:
    for number, result in enumerate(results):
        if number % ITEMS_PER_PAUSE == 0:
            time.sleep(PAUSE_SECONDS)
        yield result


def _is_item(number: int, result: bytes) -> bool:
    return len(result) == ITEM_BYTES and int.from_bytes(result[:4], "big") == number
