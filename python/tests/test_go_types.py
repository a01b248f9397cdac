"""Values cross to Go and back as they are: every kind, at its edges, both ways."""

from __future__ import annotations

import datetime
import math
from array import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import gopool

pytestmark = pytest.mark.gopool_only("multiprocessing runs no Go functions")

UTC = datetime.timezone.utc

#: What Go's strings hold: UTF-8, and bytes that are not, which are lone surrogates here.
strings = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)
).map(lambda text: text.encode(errors="surrogateescape").decode(errors="surrogateescape"))

floats = st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324]) | st.floats()
floats32 = st.floats(width=32)
times = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.replace(fold=0))
durations = st.timedeltas(
    datetime.timedelta(microseconds=-(2**63) // 1000 + 1),
    datetime.timedelta(microseconds=(2**63) // 1000),
)


def integers(bits: int, signed: bool) -> st.SearchStrategy[int]:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return st.sampled_from([low, high, 0]) | st.integers(low, high)


INTEGERS = {
    "Int": integers(64, True),
    "Int8": integers(8, True),
    "Int16": integers(16, True),
    "Int32": integers(32, True),
    "Int64": integers(64, True),
    "Uint": integers(64, False),
    "Uint8": integers(8, False),
    "Uint16": integers(16, False),
    "Uint32": integers(32, False),
    "Uint64": integers(64, False),
}

VALUES: dict[str, st.SearchStrategy[Any]] = {
    **INTEGERS,
    "Bool": st.booleans(),
    "Float64": floats,
    "Float32": floats32,
    "Named": floats,
    "NamedInt": integers(8, False),
    "String": strings,
    "Bytes": st.binary(),
    "Time": times,
    "Duration": durations,
    "Strings": st.lists(strings),
    "ByteSlices": st.lists(st.binary()),
    "ArrayOfStrings": st.lists(strings, min_size=2, max_size=2),
    "Map": st.dictionaries(strings, integers(64, True)),
    "MapOfInts": st.dictionaries(integers(64, True), strings),
    "Nested": st.dictionaries(strings, st.lists(st.lists(strings))),
    "Pointer": st.none() | integers(64, True),
    "Pointers": st.lists(st.none() | strings),
}

NUMBERS: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "Bools": ("?", st.booleans()),
    "Ints": ("q", INTEGERS["Int"]),
    "Int8s": ("b", INTEGERS["Int8"]),
    "Int16s": ("h", INTEGERS["Int16"]),
    "Int32s": ("i", INTEGERS["Int32"]),
    "Int64s": ("q", INTEGERS["Int64"]),
    "Uints": ("Q", INTEGERS["Uint"]),
    "Uint16s": ("H", INTEGERS["Uint16"]),
    "Uint32s": ("I", INTEGERS["Uint32"]),
    "Uint64s": ("Q", INTEGERS["Uint64"]),
    "Float32s": ("f", floats32),
    "Float64s": ("d", floats),
}


def shown(value: Any) -> tuple[type, str]:
    """Tell values apart that are equal: True and 1, 0.0 and -0.0, NaN and NaN.

    Maps have no order in Go.
    """
    if isinstance(value, dict):
        return dict, repr(sorted((repr(key), shown(item)) for key, item in value.items()))
    return type(value), repr(value)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_as_it_is(kinds: ModuleType, name: str) -> None:
    function: Callable[[Any], Any] = getattr(kinds, name)

    @given(VALUES[name])
    def check(value: Any) -> None:
        assert shown(function(value)) == shown(value)

    check()


@pytest.mark.parametrize("name", VALUES)
def test_values_come_back_from_a_pool(kinds: ModuleType, name: str) -> None:
    """Also as arguments of `starmap`, which are not in columns."""
    function: Callable[[Any], Any] = getattr(kinds, name)
    with gopool.GoPool(2) as pool:

        @given(st.lists(VALUES[name]))
        def check(values: list[Any]) -> None:
            expected = list(map(shown, values))
            assert list(map(shown, pool.map(function, values))) == expected
            starred = pool.starmap(function, [(value,) for value in values])
            assert list(map(shown, starred)) == expected

        check()


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_come_back_as_an_array(kinds: ModuleType, name: str) -> None:
    """Given as a list, as an array of numpy's, and, where there is one, of Python's."""
    function: Callable[[Any], Any] = getattr(kinds, name)
    code, numbers = NUMBERS[name]

    @given(st.lists(numbers))
    def check(values: list[Any]) -> None:
        ways: list[Any] = [values, tuple(values), np.array(values, code)]
        if code != "?":
            ways += [array(code, values), memoryview(array(code, values))]
        for way in ways:
            result = function(way)
            assert isinstance(result, np.ndarray)
            assert result.dtype == np.dtype(code)
            assert list(map(shown, result.tolist())) == list(map(shown, values))

    check()


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 300_000])
def test_large_arrays_are_the_same_as_small_ones(kinds: ModuleType, size: int) -> None:
    """From 32 KiB on only their address crosses, there and back."""
    numbers = np.arange(size, dtype=np.float64)
    result = kinds.Float64s(numbers)
    assert np.array_equal(result, numbers)
    result += 1  # what came back is the caller's
    assert np.array_equal(result, numbers + 1)


def test_a_large_array_is_not_copied(kinds: ModuleType) -> None:
    """What the function changes, the caller sees; of a small one it has a copy."""
    large, small = np.ones(100_000), np.ones(10)
    kinds.Scale(large, 3.0)
    kinds.Scale(small, 3.0)
    assert (large == 3).all()
    assert (small == 1).all()


@pytest.mark.parametrize("step", [2, -1])
@pytest.mark.parametrize("size", [10, 100_000])
def test_arrays_with_gaps(kinds: ModuleType, size: int, step: int) -> None:
    numbers = np.arange(size, dtype=np.int64)[::step]
    assert np.array_equal(kinds.Ints(numbers), numbers)
    view: Any = numbers  # numpy has no types for its buffers
    assert np.array_equal(kinds.Ints(memoryview(view)), numbers)


@pytest.mark.parametrize("rows", [0, 1, 300])
@pytest.mark.parametrize("columns", [0, 1, 300])
def test_matrices(kinds: ModuleType, rows: int, columns: int) -> None:
    """As an array of two dimensions, in both orders, and as lists of rows, however given."""
    matrix = np.arange(rows * columns, dtype=np.float64).reshape(rows, columns)
    for way in (matrix, np.asfortranarray(matrix), list(matrix), matrix.tolist()):
        result = kinds.FloatMatrix(way)
        assert len(result) == rows
        assert all(map(np.array_equal, result, matrix))


def test_numpy_converts_where_nothing_is_lost(kinds: ModuleType) -> None:
    assert kinds.Float64s(np.arange(3)).tolist() == [0.0, 1.0, 2.0]
    assert kinds.Ints(np.arange(3, dtype=">i2")).tolist() == [0, 1, 2]
    assert kinds.Int(np.int8(3)) == 3
    assert kinds.Float64(np.float32(0.5)) == 0.5
    with pytest.raises(TypeError, match=r"Int32s.. argument 'v'.*int64"):
        kinds.Int32s(np.arange(3))


def test_other_sequences_of_numbers(kinds: ModuleType) -> None:
    pandas = pytest.importorskip("pandas")
    assert kinds.Sum(range(4)) == 6
    assert kinds.Sum(pandas.Series([1.5, 2.0])) == 3.5
    assert kinds.Ints(memoryview(array("l", [1, 2]))).tolist() == [1, 2]


@pytest.mark.parametrize("size", [3, 100_000])
def test_bytes_of_all_kinds(kinds: ModuleType, size: int) -> None:
    data = bytes(i % 251 for i in range(size))
    for way in (data, bytearray(data), memoryview(data), np.frombuffer(data, "B")):
        assert kinds.Bytes(way) == data
    assert kinds.Bytes(memoryview(data)[::-1]) == data[::-1]


def test_structs(kinds: ModuleType) -> None:
    """They are dataclasses, whose fields are Go's, with Go's zero values as defaults."""
    entry = kinds.Entry(
        "word",
        3,
        At=datetime.datetime(2020, 1, 2, tzinfo=UTC),
        Took=datetime.timedelta(milliseconds=5),
        Weights=[0.5],
        Where=kinds.Point(1.0, 2.0),
        Parts=[kinds.Entry("part")],
        Labels={"a": kinds.Point(3.0, 4.0)},
        Raw=b"raw",
    )
    assert kinds.Struct(entry) == entry
    assert kinds.Struct(kinds.Entry()) == kinds.Entry()
    assert kinds.Struct(entry) != kinds.Entry("word", 3)
    assert kinds.Structs([kinds.Point(1.0, 2.0)] * 3) == [kinds.Point(1.0, 2.0)] * 3
    assert kinds.PointerToStruct(None) is None
    assert kinds.Points({1: kinds.Point()}) == {1: kinds.Point(0.0, 0.0)}
    assert kinds.NamedSlice([kinds.Point(1.0, 2.0)]) == [kinds.Point(1.0, 2.0)]


def test_structs_have_no_hash(kinds: ModuleType) -> None:
    """As dataclasses that may change: those that are equal would not have the same."""
    with pytest.raises(TypeError, match="unhashable type: 'Point'"):
        hash(kinds.Point(1.0, 2.0))


def test_large_arrays_in_structs(kinds: ModuleType) -> None:
    entry = kinds.Struct(kinds.Entry(Weights=np.arange(100_000.0), Raw=bytes(100_000)))
    assert np.array_equal(entry.Weights, np.arange(100_000.0))
    assert entry.Raw == bytes(100_000)


def test_nil_slices_and_maps_are_empty(kinds: ModuleType) -> None:
    """As Go treats them; a nil pointer is None."""
    assert kinds.Strings(None) == []
    assert kinds.Map(None) == {}
    assert kinds.Ints(None).tolist() == []
    assert kinds.Bytes(None) == b""
    assert kinds.FloatMatrix([None])[0].tolist() == []
    assert kinds.Pointer(None) is None


def test_strings_that_are_no_utf_8(kinds: ModuleType) -> None:
    assert kinds.Invalid() == "a\udcff\udcfeb"
    assert kinds.String("a\udcff") == "a\udcff"
    with pytest.raises(UnicodeEncodeError, match=r"String.. argument 'v'"):
        kinds.String("\ud800")


def test_times_without_a_zone_are_those_of_the_machine(kinds: ModuleType) -> None:
    now = datetime.datetime.now()
    assert kinds.Time(now) == now.astimezone()


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("Int8", 128, OverflowError, "128 does not fit int8"),
        ("Int8", -129, OverflowError, "does not fit int8"),
        ("Uint8", -1, OverflowError, "does not fit uint8"),
        ("Int", 2**63, OverflowError, "does not fit int"),
        ("Uint64", 2**64, OverflowError, ""),
        ("Float32", 1e300, OverflowError, "does not fit float32"),
        ("Duration", datetime.timedelta(days=200_000), OverflowError, "time.Duration"),
        ("Int", 1.0, TypeError, "must be int, not float"),
        ("Int", "1", TypeError, "must be int, not str"),
        ("Int", None, TypeError, "must be int, not None"),
        ("Float64", "1", TypeError, "must be float"),
        ("String", b"bytes", TypeError, "must be str"),
        ("String", object(), TypeError, "object can't be passed to Go"),
        ("Bytes", "str", TypeError, "must be bytes, not str"),
        ("Bytes", 3, TypeError, "bytes-like object"),
        ("Bytes", array("q", [1]), TypeError, "not an array of format 'q'"),
        ("Strings", "abc", TypeError, ""),
        ("Strings", [1], TypeError, "must be str"),
        ("Map", [1], TypeError, ""),
        ("Map", {1: 1}, TypeError, "must be str"),
        ("Array", [1, 2], ValueError, ""),
        ("Struct", 1, TypeError, "must be Entry"),
        ("Int8s", [1, 1000], OverflowError, "does not fit int8"),
        ("Float64s", array("q", [1]), TypeError, ""),
        ("Ints", np.zeros((2, 2), "q"), TypeError, ""),
        ("IntMatrix", np.zeros((2, 2, 2), "q"), TypeError, "3 dimensions"),
    ],
    ids=lambda value: "value" if isinstance(value, np.ndarray) else None,
)
def test_what_does_not_fit_names_the_parameter(
    kinds: ModuleType, name: str, value: Any, error: type[Exception], words: str
) -> None:
    """Where it is called, and in a pool, where the calls beside it are not affected."""
    function: Callable[[Any], Any] = getattr(kinds, name)
    with pytest.raises(error, match=rf"{name}\(\) argument 'v.*'.*{words}"):
        function(value)
    with gopool.GoPool(1) as pool:
        outcomes = pool.map(function, [value, value], return_exceptions=True)
    for outcome in outcomes:
        assert type(outcome) is error
        assert words in str(outcome)


def test_a_bool_is_an_int_and_an_int_a_float(kinds: ModuleType) -> None:
    assert shown(kinds.Int(True)) == shown(1)
    assert shown(kinds.Float64(3)) == shown(3.0)
    with gopool.GoPool(1) as pool:
        assert list(map(shown, pool.map(kinds.Int, [True, 2]))) == [shown(1), shown(2)]
        assert list(map(shown, pool.map(kinds.Float64, [1, 0.5]))) == [shown(1.0), shown(0.5)]
