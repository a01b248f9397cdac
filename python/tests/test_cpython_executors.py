"""CPython's own tests of `ProcessPoolExecutor` pass with `PoolExecutor` in its place.

See `support/cpython_executors.py` for how they are run, and docs/guide/executor.md for what is
excused.
"""

from __future__ import annotations

import re

import pytest
from support import cpython_executors as suite
from support.cpython_suite import Fate, run_all
from support.programs import ROOT

pytestmark = [
    pytest.mark.gopool_only("concurrent.futures is the control"),
    pytest.mark.skipif(
        not suite.is_installed(),
        reason=f"this Python came without {suite.SUITE} (Debian: libpython3-testsuite)",
    ),
]

BY_CHANCE = {"test_cancel_futures"}
"""A test that passes if a worker is quick to start."""

EXCUSED = BY_CHANCE | {
    "FailingInitializerTest.test_initializer",
    "test_context_manager_shutdown",
    "test_del_shutdown",
    "test_error_at_task_unpickle",
    "test_error_during_result_pickle_on_worker",
    "test_error_during_result_unpickle_in_result_handler",
    "test_exit_during_func_exec_on_worker",
    "test_exit_during_result_pickle_on_worker",
    "test_exit_during_result_unpickle_in_result_handler",
    "test_idle_process_reuse_multiple",
    "test_idle_process_reuse_one",
    "test_killed_child",
    "test_max_tasks_per_child",
    "test_max_tasks_per_child_defaults_to_spawn_context",
    "test_processes_terminate",
    "test_python_finalization_error",
    "test_saturation",
    "test_shutdown_deadlock_pickle",
    "test_shutdown_no_wait",
    "test_traceback",
}
"""Tests of what is private in the standard executor, and of how it breaks."""


@pytest.fixture(scope="module")
def fates(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Fate]]:
    return run_all(
        suite.KINDS, ("gopool", "concurrent.futures"), tmp_path_factory.mktemp, suite.__file__
    )


def excuse(name: str) -> str | None:
    """Return the entry of the list that a test's name ends with."""
    return next((entry for entry in EXCUSED if name.endswith(entry)), None)


@pytest.mark.parametrize("kind", suite.KINDS)
def test_what_passes_with_the_standard_executor_passes_with_ours(
    fates: dict[tuple[str, str], dict[str, Fate]], kind: str
) -> None:
    """The same tests are run; what fails is excused."""
    ours, control = fates[kind, "gopool"], fates[kind, "concurrent.futures"]
    for name in sorted(control):
        print(f"  {name}: {control[name].outcome}, with gopool {ours[name].outcome}")
    assert ours.keys() == control.keys()
    passed = {name for name, fate in control.items() if fate.outcome == "passed"}
    assert len(passed) >= 30
    missing = [
        name for name in sorted(passed) if ours[name].outcome != "passed" and excuse(name) is None
    ]
    assert missing == [], "\n".join(ours[name].reason for name in missing)


def test_what_is_excused_fails(fates: dict[tuple[str, str], dict[str, Fate]]) -> None:
    """By some start method, if this Python has it; what does not has to go from the list."""
    outcomes: dict[str, set[str]] = {}
    for kind in suite.KINDS:
        for name, fate in fates[kind, "gopool"].items():
            outcomes.setdefault(excuse(name) or "", set()).add(fate.outcome)
    certain = (EXCUSED - BY_CHANCE) & outcomes.keys()
    assert [entry for entry in certain if "failed" not in outcomes[entry]] == []


def test_what_is_excused_is_documented() -> None:
    """By name, and nothing else is."""
    page = (ROOT / "docs" / "guide" / "executor.md").read_text()
    rows = re.findall(r"^\| `([\w.]+)` \|", page, re.M)
    assert set(rows) == EXCUSED
