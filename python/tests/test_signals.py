"""Crashes are still explained: Go's handlers do not take Python's away. These may submit."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from support.programs import Program

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing installs no signal handlers"),
]

StartProgram = Callable[..., Program]

BEFORE_AND_AFTER = pytest.mark.parametrize("moment", ["before", "after"])


def crash(start_program: StartProgram, moment: str, action: str) -> tuple[int, str]:
    """Enable faulthandler before or after the extension is loaded, and run a faulty action."""
    enable = "faulthandler.enable()"
    source = f"""
        import ctypes, faulthandler, os, signal
        import gopool
        from support import tasks

        def the_function_that_crashes():
            {action}

        {enable if moment == "before" else "pass"}
        with gopool.Pool(1) as pool:
            pool.apply(tasks.nothing)
            {enable if moment == "after" else "pass"}
            the_function_that_crashes()
    """
    outcome = start_program(source).outcome()
    return outcome.status, outcome.stderr


@BEFORE_AND_AFTER
def test_a_crash_in_the_parent_is_explained(start_program: StartProgram, moment: str) -> None:
    """The traceback names the function, and the process dies of the signal; no Go trace follows."""
    status, stderr = crash(start_program, moment, "ctypes.string_at(0)")
    assert "Fatal Python error: Segmentation fault" in stderr
    assert "the_function_that_crashes" in stderr
    assert "goroutine" not in stderr
    assert status == -signal.SIGSEGV


@BEFORE_AND_AFTER
def test_abort_in_the_parent_is_explained(start_program: StartProgram, moment: str) -> None:
    """The same for ``abort``."""
    status, stderr = crash(start_program, moment, "os.abort()")
    assert "Fatal Python error: Aborted" in stderr
    assert "the_function_that_crashes" in stderr
    assert status == -signal.SIGABRT


@BEFORE_AND_AFTER
def test_a_crash_in_a_worker_is_explained_and_reported(
    start_program: StartProgram, moment: str
) -> None:
    """The worker that inherits faulthandler prints its traceback; the parent raises and lives."""
    source = f"""
        import faulthandler
        import gopool
        from support import deaths

        if {moment == "after"}:
            gopool.Pool(1).terminate()
        faulthandler.enable()
        with gopool.Pool(1) as pool:
            try:
                pool.apply(deaths.read_address_zero)
            except gopool.WorkerLostError as error:
                print(error)
    """
    outcome = start_program(source).outcome()
    assert outcome.status == 0
    assert "SIGSEGV" in outcome.stdout
    assert "Fatal Python error: Segmentation fault" in outcome.stderr
    assert "read_address_zero" in outcome.stderr
    assert "goroutine" not in outcome.stderr


def test_a_closed_pipe_is_an_exception(start_program: StartProgram) -> None:
    """SIGPIPE stays ignored: writing to a closed pipe raises, and does not end the program."""
    source = """
        import os
        import gopool
        from support import tasks

        with gopool.Pool(1) as pool:
            pool.apply(tasks.nothing)
            reader, writer = os.pipe()
            os.close(reader)
            try:
                os.write(writer, b"x")
            except BrokenPipeError:
                print("BrokenPipeError")
    """
    outcome = start_program(source).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "BrokenPipeError\n", "")


def test_a_program_dies_of_sigterm_as_before(start_program: StartProgram) -> None:
    """The default action of SIGTERM is still the default action."""
    source = """
        import os, signal
        import gopool
        from support import tasks

        with gopool.Pool(1) as pool:
            pool.apply(tasks.nothing)
            os.kill(os.getpid(), signal.SIGTERM)
            pool.apply(tasks.sleep_for_minutes)
    """
    outcome = start_program(source).outcome()
    assert (outcome.status, outcome.stderr) == (-signal.SIGTERM, "")


def test_a_worker_has_none_of_the_handlers_of_go(start_program: StartProgram) -> None:
    """Forked before the extension is loaded or after, by whatever thread: Go can't run there."""
    outcome = start_program("""
        import os
        import gopool
        from support import deaths, tasks

        with gopool.Pool(1) as pool:
            first = pool.apply(tasks.caught_signals)
            assert first == pool.apply(tasks.caught_signals)
            try:
                pool.apply(deaths.exit_with, (3,))
            except gopool.WorkerLostError:
                pass
            replacement = pool.apply(tasks.caught_signals)
        with gopool.Pool(1) as pool:
            later = pool.apply(tasks.caught_signals)
        assert first == replacement == later, (first, replacement, later)
        """).outcome()
    assert outcome.status == 0, outcome.stderr


def test_a_handler_submits_at_each_step_of_a_submission(start_program: StartProgram) -> None:
    """Its callback comes as well, also if it is amid the start of the thread for callbacks."""
    outcome = start_program("""
        import sys
        import gopool
        from gopool._owner import Owner, Thread
        from support import tasks

        functions = (Owner.expect, Owner._start_caller, Thread.__init__)
        codes = {function.__code__ for function in functions}

        def submit():
            results.append(pool.apply_async(tasks.square, (3,), callback=seen.append))

        def trace(frame, event, _):
            global left
            if frame.f_code not in codes:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    submit()
            return trace

        step = left = 0
        while left <= 0:
            step += 1
            left = step
            results, seen = [], []
            with gopool.ThreadPool(1) as pool:
                sys.settrace(trace)
                submit()
                sys.settrace(None)
                assert [result.get() for result in results] == [9] * len(results)
                assert seen == [9] * len(results)
        assert step > 10
        """).outcome()
    assert outcome.status == 0, outcome.stderr
