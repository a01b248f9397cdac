"""A test that never ends says why: what threads, goroutines and workers do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.programs import PYTEST, Program

pytestmark = pytest.mark.gopool_only("multiprocessing has no goroutines")


def test_what_is_printed(tmp_path: Path, start_program: Callable[..., Program]) -> None:
    """And then the run ends. The limit is set once more when there is something to be seen.

    Workers have as long as they need to tell what they do, on however busy a machine.
    """
    (tmp_path / "test_hanging.py").write_text(
        "import gopool, pytest_timeout\n"
        "from gopool import _dump\n"
        "from support import standstill, tasks\n"
        "_dump.PATIENCE, standstill.PATIENCE = 20, 30\n"
        "def test_that_hangs(request, mailbox):\n"
        "    with gopool.Pool(1) as pool:\n"
        "        result = pool.apply_async(tasks.sleep_for_minutes, (mailbox,))\n"
        "        mailbox.receive(1)\n"
        "        print('what the test has printed')\n"
        "        request.config.hook.pytest_timeout_set_timer(\n"
        "            item=request.node,\n"
        "            settings=pytest_timeout.Settings(0, 'thread', False, False))\n"
        "        result.get()\n"
    )
    outcome = start_program(arguments=(*PYTEST, "--implementation=gopool")).outcome()
    assert outcome.status == 1
    for words in ("what the test has printed", "Stack of MainThread", "in test_that_hangs"):
        assert words in outcome.stdout
    for words in ("process ", "goroutine ", "runs sleep_for_minutes (task 0)", "in sleep_for"):
        assert words in outcome.stderr
