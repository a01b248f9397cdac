"""Which parts of a pickle go where, and that nothing is left lent when pickling fails."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import hostile

from gopool import _arena, _lender
from gopool._arena import Arena, Lent
from gopool._lender import Lender
from gopool._memory import memory_file
from gopool._packer import LARGE, Packer
from gopool._region import CALLER, DATA


def new_packer(arena: Arena | None) -> Packer:
    """Return one that asks for no names."""
    return Packer(arena, None)


@pytest.fixture
def arena() -> Iterator[Arena]:
    """An arena, and its region as a reader sees it."""
    arena = Arena(memory_file(DATA + (1 << 30)), CALLER)
    lender = _lender.lenders[CALLER] = Lender(arena.fd)
    yield arena
    del _lender.lenders[CALLER]
    arena.close()
    arena._region = lender._region = None


def is_unused(arena: Arena) -> bool:
    """Tell whether no slab is in use."""
    arena.trim(0)
    return not arena._spans


class Buffers:
    """An object of which some parts are kept out of its pickle, if that can be."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Buffers, tuple(map(pickle.PickleBuffer, self.parts))


SIZES = st.sampled_from([0, 1, 100, LARGE - 1, LARGE, LARGE + 1, 3 * LARGE])
PIECES = st.one_of(
    SIZES.map(lambda size: "é" * size),
    SIZES.map(lambda size: b"b" * size),
    SIZES.map(lambda size: bytearray(b"a" * size)),
    SIZES.map(lambda size: pickle.PickleBuffer(bytearray(b"p" * size))),
    st.integers(),
)


def plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, (pickle.PickleBuffer, bytearray)) else value


def sent_by(packer: Packer, value: Any) -> list[Any]:
    """Return what arrives of a list, after changing what of it can be changed."""
    packed = packer.pack(value)
    if isinstance(packed, bytes):
        assert sum(len(plain(part)) for part in value if not isinstance(part, int)) < LARGE
        back = pickle.loads(packed)
    else:
        back = _lender.load(packed.record)
    arrived = list(map(plain, back))
    for part in back:
        if isinstance(part, (bytearray, pickle.PickleBuffer)) and len(plain(part)):
            memoryview(part)[0] = 0
    return arrived


@given(values=st.lists(st.lists(PIECES, max_size=4), max_size=3))
def test_values_come_back_as_they_were(values: list[list[Any]]) -> None:
    """Value after value of one packer; what is writable comes back writable, and is private."""
    arena = Arena(memory_file(DATA + (1 << 30)), CALLER)
    lender = _lender.lenders[CALLER] = Lender(arena.fd)
    try:
        packer = new_packer(arena)
        for value in values:
            assert sent_by(packer, value) == list(map(plain, value))
        assert is_unused(arena)
    finally:
        del _lender.lenders[CALLER]
        lender._region = None
        arena.close()


@pytest.mark.parametrize(
    "value", ["é" * LARGE, b"b" * LARGE, bytearray(LARGE), [["x" * 40] * 10, "y" * LARGE]]
)
def test_what_is_large_is_in_the_arena(arena: Arena, value: Any) -> None:
    """Whatever pickle makes of it."""
    packed = new_packer(arena).pack(value)
    assert isinstance(packed, Lent)
    assert packed.size >= LARGE
    assert _lender.load(packed.record) == value
    del packed
    assert is_unused(arena)


def test_many_small_parts_are_large_together(arena: Arena) -> None:
    """The frames of one pickle."""
    value = [str(number) * 10 for number in range(5000)]
    packed = new_packer(arena).pack(value)
    assert isinstance(packed, Lent)
    assert _lender.load(packed.record) == value


def test_buffers_keep_their_place_and_alignment(arena: Arena) -> None:
    """Small ones are in the pickle, large ones behind it, each where any type can be."""
    parts = [
        bytearray(bytes([n]) * size) for n, size in enumerate((LARGE + 1, 5, LARGE + 3, LARGE))
    ]
    packed = new_packer(arena).pack(Buffers(*parts))
    assert isinstance(packed, Lent)
    back = _lender.load(packed.record)
    assert [bytes(part) for part in back.parts] == list(map(bytes, parts))
    ctypes = pytest.importorskip("ctypes")
    large = [part for part in back.parts if memoryview(part).nbytes >= LARGE]
    for part in large:
        address = ctypes.addressof(ctypes.c_char.from_buffer(memoryview(part)))
        assert address % 64 == 0
    del back, large, part, packed
    assert is_unused(arena)


def test_a_buffer_that_is_not_contiguous_is_an_error(arena: Arena) -> None:
    """The same that pickle gives, small or large, and nothing is left lent."""
    for size in (100, 4 * LARGE):
        stepped = memoryview(bytearray(size))[::2]
        with pytest.raises(pickle.PicklingError, match="non-contiguous"):
            new_packer(arena).pack(Buffers(bytearray(LARGE), stepped))
        del stepped
    assert is_unused(arena)


def test_an_error_in_the_middle_leaves_nothing_lent(arena: Arena) -> None:
    """Neither in the arena nor in the packer, whose next value is whole."""
    packer = new_packer(arena)
    buffer = bytearray(2 * LARGE)
    for _ in range(3):
        with pytest.raises(ValueError, match="refuses to be pickled"):
            packer.pack([Buffers(buffer), "x" * 2 * LARGE, hostile.RefusesToBePickled()])
        buffer.append(0)  # nobody looks at it any more, or this would raise
        assert is_unused(arena)
        packed = packer.pack(["y" * LARGE])
        assert isinstance(packed, Lent)
        assert _lender.load(packed.record) == ["y" * LARGE]
        del packed


def test_a_message_that_can_not_be_read_is_let_go(arena: Arena) -> None:
    """What unpickling raises is raised, and the slab is free."""
    packed = new_packer(arena).pack([bytearray(LARGE), hostile.RefusesToBeRebuilt()])
    assert isinstance(packed, Lent)
    with pytest.raises(ValueError, match="refuses to be rebuilt"):
        _lender.load(packed.record)
    del packed
    assert is_unused(arena)


def test_without_room_all_is_in_the_pickle(arena: Arena) -> None:
    """The same value, the usual way; also where there is no arena at all."""
    arena._free = [(DATA, LARGE)]
    value = Buffers(bytearray(b"x" * 2 * LARGE))
    for packed in (new_packer(arena).pack(value), new_packer(None).pack(value)):
        assert isinstance(packed, bytes)
        assert bytes(pickle.loads(packed).parts[0]) == b"x" * 2 * LARGE


def test_a_small_value_is_a_plain_pickle(arena: Arena) -> None:
    """As it is for most."""
    assert new_packer(arena).pack([1]) == pickle.dumps([1], 5)
    assert _arena.results is None
