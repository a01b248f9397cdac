"""What the system refuses, or a program has taken away, is a clear exception or no matter."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest
from support import PoolClass, tasks
from support.programs import Program

import gopool
from gopool import _process

pytestmark = pytest.mark.faults

StartProgram = Callable[..., Program]


@pytest.mark.gopool_only("multiprocessing hangs when a worker dies")
def test_no_process_is_to_be_had_for_a_replacement(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool says what broke it, to whoever waits.

    Not by a patch of `os.fork`: multiprocessing leaves four descriptors behind if that raises.
    """
    import multiprocessing

    def start(_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with Pool(1, context=multiprocessing.get_context("fork")) as pool:
        pid = pool.apply(tasks.pid)
        monkeypatch.setattr(_process, "_start", start)
        os.kill(pid, 9)
        with pytest.raises(gopool.BrokenPoolError, match="temporarily unavailable"):
            pool.apply(tasks.square, (3,))


@pytest.mark.gopool_only("multiprocessing hangs when a worker dies")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("closed", ["0", "1", "2", "0, 1, 2"])
def test_standard_streams_are_closed(
    start_program: StartProgram, tmp_path: os.PathLike[str], method: str, closed: str
) -> None:
    """A daemon may have none: their numbers are those of other files then."""
    path = os.path.join(tmp_path, "outcome")
    outcome = start_program(f"""
        import multiprocessing, os
        import gopool
        from support import deaths, tasks

        if __name__ == "__main__":
            for fd in ({closed},):
                os.close(fd)
            with gopool.Pool(2, context=multiprocessing.get_context({method!r})) as pool:
                assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
                assert pool.apply(tasks.length, (bytes(1 << 20),)) == 1 << 20
                try:
                    pool.apply(deaths.exit_with, (3,))
                except gopool.WorkerLostError as error:
                    assert error.exitcode == 3
                assert pool.apply(tasks.square, (3,)) == 9
                if 2 not in ({closed},):
                    assert "is idle" in pool.dump()
            with open({path!r}, "w") as file:
                file.write("done")
        """).outcome()
    with open(path) as file:
        assert (outcome.status, file.read()) == (0, "done")
