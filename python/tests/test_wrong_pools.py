"""The contract tests notice a pool that is wrong: each of these fails for one that has the defect.

What passes with every pool would prove nothing.
"""

from __future__ import annotations

import inspect
import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import test_contract_contexts as contexts
import test_contract_lifecycle as lifecycle
import test_contract_results as results
import test_contract_timeouts as timeouts
import test_contract_workers as workers
from conftest import FORK_WARNING
from support import latches
from support import wrong_pools as wrong

pytestmark = [
    pytest.mark.gopool_only("these pools are derived from multiprocessing's"),
    pytest.mark.filterwarnings(FORK_WARNING),
]

spawn = multiprocessing.get_context("spawn")

# A defect, a test that has to notice it, and what that is given beside fixtures.
CASES: list[tuple[type[Any], Callable[..., None], dict[str, Any]]] = [
    (wrong.ClosesOnLeaving, lifecycle.test_leaving_with_terminates, {}),
    (wrong.JoinsWhileRunning, lifecycle.test_a_running_pool_cannot_be_joined, {}),
    (wrong.HasOneWorker, workers.test_every_worker_is_used, {"count": 2}),
    (wrong.HasOneWorker, workers.test_workers_are_there_before_the_first_task, {}),
    (wrong.AlwaysForks, contexts.test_a_context_is_obeyed, {"context": spawn}),
    (wrong.AlwaysForks, contexts.test_the_default_start_method_can_be_set, {"context": spawn}),
    (wrong.GetsCopies, results.test_the_second_get_returns_the_same_object, {}),
    (wrong.GetsCopies, results.test_the_second_get_raises_the_same_exception, {}),
    (wrong.ForgetsWhatItGave, results.test_the_second_get_returns_the_same_object, {}),
    (wrong.ForgetsWhatItGave, results.test_the_second_get_raises_the_same_exception, {}),
    (wrong.SuccessfulTooEarly, results.test_successful_cannot_be_asked_too_early, {}),
    (wrong.OverlooksTimeouts, timeouts.test_get_is_in_time, {"timeout": 0.05}),
    (wrong.OverlooksTimeouts, timeouts.test_wait_is_in_time, {}),
    (wrong.IsLate, timeouts.test_get_is_in_time, {"timeout": 0.05}),
    (wrong.IsLate, timeouts.test_wait_is_in_time, {}),
    *(
        (cls, timeouts.test_next_is_in_time, {"timeout": 0.05, "method": method})
        for cls in (wrong.OverlooksTimeouts, wrong.IsLate)
        for method in ("imap", "imap_unordered")
    ),
]

NAMES = [f"{cls.__name__}-{test.__name__}" for cls, test, _ in CASES]


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what a wrong pool never does be waited for a moment only."""
    monkeypatch.setattr(timeouts, "LATE", wrong.LATENESS / 2)
    for function in (latches.Mailbox.receive, latches.Mailbox.receive_pids):
        monkeypatch.setattr(function, "__defaults__", (2.0,))


@pytest.fixture
def no_pools() -> Iterator[None]:
    """No pool is left."""
    yield
    wrong.ClosesOnLeaving.end_all()


def run(
    request: pytest.FixtureRequest, cls: type[Any], test: Callable[..., None], **given: Any
) -> None:
    """Run a contract test on a pool, with its fixtures."""
    given["Pool"] = cls
    for name in inspect.signature(test).parameters.keys() - given.keys():
        given[name] = request.getfixturevalue(name)
    test(**given)


@pytest.mark.usefixtures("no_pools", "little_patience")
@pytest.mark.parametrize(("cls", "test", "arguments"), CASES, ids=NAMES)
def test_a_wrong_pool_is_noticed(
    request: pytest.FixtureRequest,
    cls: type[Any],
    test: Callable[..., None],
    arguments: dict[str, Any],
) -> None:
    """The test fails, by an assertion of its own."""
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(request, cls, test, **arguments)


@pytest.mark.usefixtures("no_pools")
@pytest.mark.parametrize(("cls", "test", "arguments"), CASES, ids=NAMES)
def test_it_is_the_defect_that_is_noticed(
    request: pytest.FixtureRequest,
    cls: type[Any],
    test: Callable[..., None],
    arguments: dict[str, Any],
) -> None:
    """The same test passes on a pool that is made in the same way and has no defect."""
    run(request, wrong.ChangesResults, test, **arguments)
