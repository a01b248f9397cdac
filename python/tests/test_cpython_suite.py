"""CPython's own tests of its pools pass with gopool installed, as they do with `multiprocessing`.

See `support/cpython_suite.py` for how they are run, and docs/compatibility.md for what is excused.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TypeAlias

import pytest
from support import cpython_suite as suite
from support.cpython_suite import Fate
from support.programs import ROOT

pytestmark = [
    pytest.mark.gopool_only("multiprocessing is the control"),
    pytest.mark.skipif(
        not suite.is_installed(),
        reason=f"this Python came without {suite.SUITE} (Debian: libpython3-testsuite)",
    ),
]

EXCUSED = {
    "test_make_pool": "counts the workers in the private list _pool",
    "test_pool_worker_lifetime": "looks at the private list _pool and calls _repopulate_pool",
    "test_release_unused_processes": "replaces the context by a mock with processes of its own",
}
"""Tests of what is private in the standard pool."""

Fates: TypeAlias = dict[str, Fate]


@pytest.fixture(scope="module")
def fates(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Fates]:
    return suite.run_all(suite.KINDS, ("gopool", "multiprocessing"), tmp_path_factory.mktemp)


def method_of(name: str) -> str:
    """Return the name of a test without that of its class."""
    return name.rpartition(".")[2]


@pytest.mark.parametrize("kind", suite.KINDS)
def test_what_passes_with_multiprocessing_passes_with_gopool(
    fates: dict[tuple[str, str], Fates], kind: str
) -> None:
    """The same tests are run and the same are skipped; what fails is excused."""
    ours, control = fates[kind, "gopool"], fates[kind, "multiprocessing"]
    for implementation in ("gopool", "multiprocessing"):
        counts = Counter(fate.outcome for fate in fates[kind, implementation].values())
        print(f"{kind}, {implementation}: {dict(counts)}")
    for name in sorted(control):
        print(f"  {name}: {control[name].outcome}, with gopool {ours[name].outcome}")

    assert ours.keys() == control.keys()
    passed = {name for name, fate in control.items() if fate.outcome == "passed"}
    assert len(passed) >= 20
    missing = [
        name
        for name in sorted(passed)
        if ours[name].outcome != "passed" and method_of(name) not in EXCUSED
    ]
    assert missing == [], "\n".join(ours[name].reason for name in missing)
    for name, fate in control.items():
        assert (fate.outcome == "skipped") == (ours[name].outcome == "skipped"), name


def test_what_is_excused_fails(fates: dict[tuple[str, str], Fates]) -> None:
    """In one kind or another; what does not has to go from the list."""
    ours = [fates[kind, "gopool"] for kind in suite.KINDS]
    failed = {
        method_of(name)
        for found in ours
        for name, fate in found.items()
        if fate.outcome == "failed"
    }
    assert failed >= EXCUSED.keys()


def test_no_class_is_forgotten() -> None:
    """Each class of CPython's module that mentions a pool is run, or it is said why not."""
    run = {name.partition(".")[0] for name in (*suite.OF_EACH_TYPE, *suite.OF_PROCESSES)}
    assert suite.classes_of_pools() - run == suite.NOT_OF_POOLS.keys()


def test_what_is_excused_is_documented() -> None:
    """By name, and nothing else is."""
    section = (
        (ROOT / "docs" / "compatibility.md").read_text().partition("## CPython's own tests")[2]
    )
    rows = re.findall(r"^\| `(test_\w+)` \|", section.partition("\n## ")[0], re.M)
    assert set(rows) == EXCUSED.keys()
