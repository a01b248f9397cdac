"""The allocator of an arena, and who has a slab when, without any worker."""

from __future__ import annotations

import gc
import itertools
import mmap
import os
import random
import signal
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gopool import _arena, _lender, _region
from gopool._arena import Arena, Lent
from gopool._lender import Lender
from gopool._memory import memory_file
from gopool._region import CALLER, DATA, GRAIN, RECORD, Region

SIZE = 64 * GRAIN

MakeArena = Callable[..., Arena]


@pytest.fixture
def make_arena() -> Iterator[MakeArena]:
    """Make arenas of so many bytes; they are closed in the end."""
    arenas: list[Arena] = []

    def make(size: int = SIZE, is_mapped: Callable[[int], bool] = lambda slab: False) -> Arena:
        arenas.append(Arena(memory_file(DATA + size), CALLER, is_mapped))
        return arenas[-1]

    yield make
    for arena in arenas:
        arena.close()
        arena._region = None  # pytest keeps the arena itself for a while


@pytest.fixture
def arena(make_arena: MakeArena) -> Arena:
    return make_arena()


@pytest.fixture
def lender(arena: Arena) -> Iterator[Lender]:
    """The arena as another process sees it."""
    lender = Lender(os.dup(arena.fd))
    _lender.lenders[CALLER] = lender
    yield lender
    if _lender.lenders.pop(CALLER, None) is not None:
        lender.retire()
    lender._region = None


def lend(arena: Arena, size: int, **options: Any) -> Lent | None:
    return arena.lend([b"x" * size], [], **options)


def receive(arena: Arena, lent: Lent) -> int:
    """Do what Go does when it has the message. Return the slab's number."""
    slab = lent.slab
    arena.region()._words[2 * slab] = 1
    lent.sent()
    return slab


def settle(arena: Arena, slab: int) -> None:
    """Do what Go does when the message will not be read any more."""
    arena.region()._words[2 * slab] = 0


def allocated(arena: Arena) -> int:
    """Return how many bytes of memory the arena's slabs and free pieces take."""
    return os.fstat(arena.fd).st_blocks * 512 - _table_blocks(arena)


def _table_blocks(arena: Arena) -> int:
    """Return how many bytes of the region's head are in memory: of a page for each 256 slabs."""
    used = 0
    at = 0
    while at < DATA:
        try:
            at = os.lseek(arena.fd, at, os.SEEK_DATA)
        except OSError:  # no data behind it
            break
        if at < DATA:
            used += mmap.PAGESIZE
        at += mmap.PAGESIZE
    return used


# What the tests may do to an arena: lend so many bytes, or let go of the slab with this index.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("lend"), st.integers(1, 12 * GRAIN)),
        st.tuples(st.just("drop"), st.integers(0, 30)),
        st.tuples(st.just("settle"), st.integers(0, 30)),
        st.tuples(st.just("trim"), st.integers(0, 3).map(lambda grains: grains * GRAIN)),
    ),
    max_size=60,
)


@given(steps=STEPS)
def test_slabs_never_overlap_and_none_is_lost(steps: list[tuple[str, int]]) -> None:
    """Whatever is lent, received, given back and trimmed: each keeps its bytes to itself."""
    arena = Arena(memory_file(DATA + SIZE), CALLER)
    waiting: list[tuple[Lent, bytes]] = []
    received: list[tuple[int, tuple[int, int], bytes]] = []
    try:
        for number, (step, amount) in enumerate(steps):
            if step == "lend":
                fill = bytes([number + 1]) * amount
                lent = arena.lend([fill], [])
                if lent is None:
                    used = [one.span for one, _ in waiting] + [span for _, span, _ in received]
                    assert longest_gap(used) < -(-amount // GRAIN) * GRAIN, "there was room"
                elif number % 2:
                    waiting.append((lent, fill))
                    lent = None
                else:
                    span = lent.span
                    received.append((receive(arena, lent), span, fill))
            elif step == "drop" and waiting:
                waiting.pop(amount % len(waiting))  # its message was not sent
            elif step == "settle" and received:
                settle(arena, received.pop(amount % len(received))[0])
            elif step == "trim":
                arena.trim(amount)
            spans = [(one.slab, one.span, fill) for one, fill in waiting] + received
            slabs = [slab for slab, _, _ in spans]
            assert len(set(slabs)) == len(slabs)
            data = arena.region().data
            for _, (offset, length), fill in spans:
                assert length >= len(fill)
                assert data[offset : offset + len(fill)] == fill
            ordered = sorted(span for _, span, _ in spans)
            for (offset, length), (following, _) in itertools.pairwise(ordered):
                assert offset + length <= following
        waiting.clear()
        lent = None
        for slab, _, _ in received:
            settle(arena, slab)
        arena.trim(0)
        assert arena._free == [(DATA, SIZE)], "all of it is one piece again"
        assert allocated(arena) == 0
        assert not arena._spans
        spare = next(arena._spare)
        assert sorted(arena._used) == list(range(spare)), "each number can be given out again"
    finally:
        arena.close()


def longest_gap(used: list[tuple[int, int]]) -> int:
    gaps, at = [], DATA
    for offset, length in sorted(used):
        gaps.append(offset - at)
        at = offset + length
    return max([*gaps, DATA + SIZE - at])


def test_low_addresses_are_used_again(arena: Arena) -> None:
    """Rounds of messages that come and go touch no more memory than one."""
    spans = set()
    for _ in range(200):
        lent = lend(arena, 3 * GRAIN)
        assert lent is not None
        spans.add(lent.span)
    assert len(spans) <= 2
    assert allocated(arena) <= 6 * GRAIN


def test_many_in_flight_are_looked_at_before_the_arena_grows(make_arena: MakeArena) -> None:
    """A hundred that were all let go at once are the memory of the next hundred."""
    arena = make_arena(1 << 26)
    for _ in range(5):
        lent = [lend(arena, 2 * GRAIN) for _ in range(100)]
        assert max(sum(one.span) for one in lent if one is not None) <= DATA + 300 * GRAIN
        lent.clear()


def test_no_room_is_none_and_costs_nothing(arena: Arena) -> None:
    """Also where that is asked more often than there are numbers for slabs."""
    held = lend(arena, SIZE - GRAIN)
    assert held is not None
    for _ in range(_region.SLABS + 10):
        assert lend(arena, 2 * GRAIN) is None
    assert lend(arena, GRAIN) is not None
    del held
    assert lend(arena, SIZE) is not None


def test_a_full_table_is_no_room(make_arena: MakeArena, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers are given out again when slabs are free."""
    monkeypatch.setattr(_region, "SLABS", 8)
    arena = make_arena()
    lent = [lend(arena, GRAIN) for _ in range(8)]
    assert None not in lent
    assert lend(arena, GRAIN) is None
    lent.pop(3)
    assert lend(arena, GRAIN) is not None
    assert arena._free[0][0] + arena._free[0][1] <= DATA + SIZE


def test_an_arena_without_space_for_slabs(make_arena: MakeArena) -> None:
    """As that of a worker whose page has no region behind it."""
    arena = make_arena(-DATA + GRAIN)
    assert lend(arena, 1) is None
    arena.trim()


def test_a_full_file_system_is_no_room(
    make_arena: MakeArena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is reserved before it is written to; what could not be had is not lost."""
    arena = make_arena()
    refused: list[tuple[int, int]] = []

    def refuse(_fd: int, offset: int, length: int) -> None:
        refused.append((offset, length))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    assert lend(arena, 2 * GRAIN) is not None, "memfd is not bounded"
    arena._is_bounded = True
    assert lend(arena, 3 * GRAIN) is None
    assert refused[-1][1] == 3 * GRAIN
    monkeypatch.undo()
    assert lend(arena, SIZE) is not None


def test_what_is_reserved_is_in_memory(arena: Arena) -> None:
    """Reserving and writing reach the same bytes."""
    arena._is_bounded = True
    lent = lend(arena, 5 * GRAIN)
    assert allocated(arena) == 5 * GRAIN
    del lent
    arena.trim(0)
    assert allocated(arena) == 0


def test_trim_keeps_what_is_in_use(arena: Arena) -> None:
    """And so much of what is free, at low addresses."""
    lent = [lend(arena, 4 * GRAIN) for _ in range(8)]
    del lent[6], lent[1:5]
    arena.trim(2 * GRAIN)
    assert allocated(arena) == (3 * 4 + 2) * GRAIN
    for one in lent:
        assert one is not None
        start = one.span[0]
        assert arena.region().data[start : start + one.size].tobytes() == b"x" * one.size


def test_a_message_that_was_received_is_not_taken_back(arena: Arena) -> None:
    """Who dies between a call to Go and its note of that has told nobody."""
    lent = lend(arena, GRAIN)
    assert lent is not None
    slab = lent.slab
    arena.region()._words[2 * slab] = 1  # Go has it
    del lent
    assert not arena.region().is_free(slab)
    settle(arena, slab)
    assert arena.region().is_free(slab)


def test_an_old_message_takes_nothing_from_the_slabs_next_one(arena: Arena) -> None:
    """The object of a message may outlive it, as that of one who did not note that it was sent."""
    old = lend(arena, GRAIN)
    assert old is not None
    settle(arena, old.slab)  # received and settled
    new = lend(arena, GRAIN)
    assert new is not None
    assert new.slab == old.slab
    del old
    assert not arena.region().is_free(new.slab)


def test_an_error_while_copying_leaves_nothing_lent(arena: Arena) -> None:
    """The slab is free again."""
    with pytest.raises((TypeError, ValueError)):
        arena.lend(["text"], [])
    assert lend(arena, SIZE) is not None


def test_a_shared_slab_is_free_when_no_worker_has_it_mapped(make_arena: MakeArena) -> None:
    """Beside all that holds for others."""
    mapped = {0}
    arena = make_arena(is_mapped=mapped.__contains__)
    lent = lend(arena, SIZE, shared=True)
    assert lent is not None
    slab = receive(arena, lent)
    settle(arena, slab)
    assert lend(arena, SIZE) is None
    mapped.clear()
    lent = lend(arena, SIZE)
    assert lent is not None, "also if it is not looked at again"
    mapped.add(lent.slab)
    del lent
    assert lend(arena, SIZE) is not None, "it is not shared any more"


def test_a_signals_handler_comes_amid_a_change(make_arena: MakeArena) -> None:
    """It finds no room and does not wait, whatever it interrupts, and changes nothing."""
    found: list[Lent | None] = []

    def is_mapped(_: int) -> bool:  # asked amid a change
        signal.raise_signal(signal.SIGUSR1)
        return False

    arena = make_arena(is_mapped=is_mapped)

    def handle(*_: object) -> None:
        found.append(lend(arena, GRAIN))
        arena.trim()

    changes: list[Callable[[], object]] = [lambda: lend(arena, SIZE), lambda: arena.trim(0)]
    before = signal.signal(signal.SIGUSR1, handle)
    try:
        for change in changes:
            assert lend(arena, GRAIN, shared=True) is not None
            change()
            assert found == [None]
            found.clear()
            arena.trim(0)
            assert arena._free == [(DATA, SIZE)]
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert lend(arena, SIZE) is not None


def test_a_slab_that_is_kept(arena: Arena) -> None:
    """It stays without a message, can be read, and is let go once."""
    lent = lend(arena, 2 * GRAIN, shared=True)
    assert lent is not None
    arena.keep(lent)
    slab = lent.slab
    lent.sent()
    assert lend(arena, SIZE) is None
    view = arena.view(slab)
    assert view.readonly
    assert view == b"x" * 2 * GRAIN
    assert arena.let_go(slab) == 2 * GRAIN
    assert lend(arena, SIZE) is not None


def test_a_slab_is_anothers_as_soon_as_it_is_let_go(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How large it was is told all the same."""
    lent = lend(arena, 2 * GRAIN, shared=True)
    assert lent is not None
    region = arena.region()
    let_go = region.let_go

    def lose(slab: int) -> None:
        let_go(slab)
        arena.trim(0)  # as another thread may at this moment
        assert allocated(arena) == 0

    monkeypatch.setattr(region, "let_go", lose)
    arena.keep(lent)
    slab = lent.slab
    lent.sent()
    assert arena.let_go(slab) == 2 * GRAIN


# What readers have.


def hold(lender: Lender, record: bytes) -> Any:
    _, slab, offset, length = RECORD.unpack_from(record)
    return lender.region().hold(slab, offset, length)


def test_who_reads_holds_the_slab(arena: Arena, lender: Lender) -> None:
    """The bytes are written to in place; asked again they are the same, until all are gone."""
    lent = arena.lend([b"pickle"], [b"0123"])
    assert lent is not None
    record = lent.record
    slab = receive(arena, lent)
    first, second = hold(lender, record), hold(lender, record)
    settle(arena, slab)
    assert first[:6] == b"pickle"
    first[64:66] = b"ab"
    assert second[64:68] == b"ab23"
    part = second[64:68]
    del first, second
    assert not arena.region().is_free(slab)
    assert part == b"ab23"
    del part
    assert arena.region().is_free(slab)


def test_objects_may_go_in_any_order(make_arena: MakeArena) -> None:
    """Each slab is free when its last object is gone, and what was freed is said once."""
    arena = make_arena(1 << 22)
    freed: list[int] = []
    lender = Lender(os.dup(arena.fd), freed.append)
    held: list[tuple[int, memoryview]] = []
    for _ in range(50):
        lent = lend(arena, GRAIN)
        assert lent is not None
        record = lent.record
        slab = receive(arena, lent)
        view = hold(lender, record)
        settle(arena, slab)
        held += [(slab, view[:10]), (slab, view)]
        del view
    random.Random(1).shuffle(held)
    while held:
        slab, view = held.pop()
        del view
        still = slab in [other for other, _ in held]
        assert arena.region().is_free(slab) != still
    assert freed == [GRAIN] * 50
    lender.retire()


def test_the_holder_is_this_process(arena: Arena, lender: Lender) -> None:
    """So that what it held can be found when it has died."""
    lent = lend(arena, GRAIN)
    assert lent is not None
    view = hold(lender, lent.record)
    assert arena.region()._words[2 * lent.slab + 1] == os.getpid()
    del view
    assert arena.region()._words[2 * lent.slab + 1] == 0


def test_threads_read_at_once_what_is_first_of_a_lender(
    arena: Arena, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each has stays as it is when the lender ends."""
    both_map_it = threading.Barrier(2)

    def map_it(*arguments: Any) -> Region:
        both_map_it.wait(60)
        return Region(*arguments)

    monkeypatch.setattr(_lender, "Region", map_it)
    records = []
    for _ in range(2):
        lent = lend(arena, GRAIN)
        assert lent is not None
        records.append(lent.record)
        receive(arena, lent)
    with ThreadPoolExecutor(2) as threads:
        views = list(threads.map(hold, [lender] * 2, records))
    for slab in range(2):
        settle(arena, slab)
    _lender.ended.add(CALLER)
    _lender.prune()
    assert CALLER not in _lender.lenders
    assert views == [b"x" * GRAIN] * 2


def test_a_record_that_makes_no_sense_is_an_error(arena: Arena, lender: Lender) -> None:
    """It never reaches memory behind the region."""
    lent = lend(arena, GRAIN)
    assert lent is not None
    for offset, length in ((DATA + SIZE, GRAIN), (DATA, 1 << 40), (1 << 60, 1)):
        record = struct.pack("<5Q", CALLER, lent.slab, offset, length, 1)
        with pytest.raises((ValueError, OverflowError)):
            _lender.load(record)


def test_what_an_ended_lender_leaves(arena: Arena) -> None:
    """It is there while messages are to be read yet; then only what is held stays in memory."""
    _lender.lenders[CALLER] = Lender(os.dup(arena.fd))
    records = []
    for size in (20 * GRAIN, 3 * GRAIN):
        lent = lend(arena, size)
        assert lent is not None
        records.append(lent.record)
        receive(arena, lent)
    file = os.dup(arena.fd)
    _lender.ended.add(CALLER)
    _lender.prune()
    assert CALLER in _lender.lenders
    large, small = (hold(_lender.lenders[CALLER], record) for record in records)
    settle(arena, 0)
    _lender.prune()
    assert CALLER in _lender.lenders
    settle(arena, 1)
    _lender.prune()
    assert CALLER not in _lender.lenders
    assert not _lender.ended
    assert allocated(arena) == 23 * GRAIN
    gc.collect()
    del large
    assert allocated(arena) == 3 * GRAIN, "also if nobody refers to the lender any more"
    assert small == b"x" * 3 * GRAIN
    del small
    assert allocated(arena) == 0
    os.close(file)


def test_a_message_that_an_ended_lender_never_sent(arena: Arena, lender: Lender) -> None:
    """It was filling a slab when it died. Nobody waits for that."""
    lent = lend(arena, GRAIN)
    assert lent is not None
    _lender.ended.add(CALLER)
    _lender.prune()
    assert CALLER not in _lender.lenders
    assert not _lender.ended


def test_one_that_was_never_used_is_forgotten_at_once(arena: Arena, lender: Lender) -> None:
    """Also one that is a page without a region."""
    page = _lender.lenders[99] = Lender(memory_file(GRAIN))
    assert not page.is_awaited()
    _lender.ended.update((CALLER, 99, 100))
    _lender.prune()
    assert not _lender.ended
    assert 99 not in _lender.lenders
    assert CALLER not in _lender.lenders


def test_who_has_no_address_space_is_told(
    arena: Arena, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A MemoryError that says what to do; that a lender has ended is noticed all the same."""

    def refuse(*_: object) -> Region:
        raise OSError(12, "Cannot allocate memory")

    lent = lend(arena, GRAIN)
    assert lent is not None
    record = lent.record
    slab = receive(arena, lent)
    monkeypatch.setattr(_lender, "Region", refuse)
    with pytest.raises(MemoryError, match="GOPOOL_SHARED_MEMORY=0"):
        _lender.load(record)
    assert lender.is_awaited()
    settle(arena, slab)
    assert not lender.is_awaited()


def test_an_arena_without_address_space_lends_nothing(
    make_arena: MakeArena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages go the usual way then, and nobody tries again."""

    def refuse(*_: object) -> Region:
        raise OSError(12, "Cannot allocate memory")

    arena = make_arena()
    monkeypatch.setattr(_arena, "Region", refuse)
    assert lend(arena, GRAIN) is None
    monkeypatch.undo()
    assert lend(arena, GRAIN) is None
    arena.trim()


def test_lenders_end_while_threads_look_at_them() -> None:
    """Each is closed by one of them, when nothing is to be read any more, and none is left."""
    errors: list[BaseException] = []

    def prune() -> None:
        try:
            while not over:
                _lender.prune()
        except BaseException as error:
            errors.append(error)

    over: list[bool] = []
    threads = [threading.Thread(target=prune) for _ in range(3)]
    for thread in threads:
        thread.start()
    arena = Arena(memory_file(DATA + SIZE), CALLER)
    for number in range(1000, 1300):
        lent = lend(arena, GRAIN)
        assert lent is not None
        slab = receive(arena, lent)
        _lender.lenders[number] = Lender(os.dup(arena.fd))
        _lender.ended.add(number)
        _lender.prune()
        assert number in _lender.lenders
        settle(arena, slab)
        _lender.prune()
    over.append(True)
    for thread in threads:
        thread.join()
    arena.close()
    assert errors == []
    assert not _lender.ended
    assert not _lender.lenders
