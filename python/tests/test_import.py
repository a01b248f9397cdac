"""Importing gopool is harmless, and workers stay pure Python."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support import PoolClass, tasks
from support.latches import Ledger
from support.programs import Program

pytestmark = pytest.mark.gopool_only("multiprocessing has no extension of its own")

StartProgram = Callable[..., Program]


def run(start_program: StartProgram, source: str, *options: str) -> str:
    """Run a program that must succeed silently, and return what it printed."""
    outcome = start_program(source, options=options).outcome()
    assert outcome.stderr == ""
    assert outcome.status == 0
    return outcome.stdout


def test_importing_gopool_does_not_load_the_extension(start_program: StartProgram) -> None:
    """So a server may import it before it forks. Its submodules count as well."""
    source = """
        import sys
        import gopool, gopool.pool

        assert not [name for name in sys.modules if name.startswith("gopool._native")]
        maps = open("/proc/self/maps").read()
        assert "gopool" not in maps, maps
        assert len(open("/proc/self/stat").read().split()) > 19
        assert open("/proc/self/stat").read().split()[19] == "1", "threads after the import"
    """
    run(start_program, source)


def test_the_first_pool_loads_the_extension(start_program: StartProgram) -> None:
    """It is the Go pool that runs, not a stand-in."""
    source = """
        import sys
        import gopool
        from support import tasks

        with gopool.Pool(1) as pool:
            assert pool.map(tasks.square, range(3)) == [0, 1, 4]
        assert "gopool._native" in sys.modules
    """
    run(start_program, source)


def test_a_pool_imports_no_large_modules(start_program: StartProgram) -> None:
    """All that is imported is copied for each worker that is forked, and freed at its end."""
    source = """
        import sys
        import gopool

        with gopool.Pool(1) as pool:
            assert pool.apply(abs, (-1,)) == 1
        print({"ast", "asyncio", "cloudpickle", "dataclasses", "inspect"} & set(sys.modules))
    """
    assert run(start_program, source) == "set()\n"


def test_the_interpreter_is_left_as_it_was(start_program: StartProgram) -> None:
    """Working directory, collector callbacks, signal handlers, hooks and sys.path do not change."""
    source = """
        import gc, os, signal, sys, threading, warnings

        def state():
            return {
                "cwd": os.getcwd(),
                "gc.callbacks": list(gc.callbacks),
                "gc": (gc.isenabled(), gc.get_threshold(), gc.get_debug()),
                "handlers": [signal.getsignal(n) for n in sorted(signal.valid_signals())],
                "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook),
                "sys.path": list(sys.path),
                # From Python 3.12 on, there is one for the forks of multiprocessing.
                "filters": [f for f in warnings.filters if "popen_fork" not in str(f[3])],
                "switch interval": sys.getswitchinterval(),
                "mask": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
                "environment": dict(os.environ),
            }

        import multiprocessing.pool, multiprocessing.popen_fork
        from support import tasks
        before = state()
        import gopool
        assert state() == before
        with gopool.Pool(2) as pool:
            assert pool.map(tasks.square, range(3)) == [0, 1, 4]
            assert state() == before
        assert state() == before
    """
    run(start_program, source)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_of_the_first_pool_do_not_have_the_extension(
    start_program: StartProgram, method: str
) -> None:
    """Not even by fork: they are started before it is loaded."""
    source = f"""
        import multiprocessing
        import gopool
        from support import tasks

        if __name__ == "__main__":
            with gopool.Pool(2, context=multiprocessing.get_context("{method}")) as pool:
                assert pool.map(tasks.has_module, ["gopool._native"] * 20, 1) == [False] * 20
    """
    run(start_program, source)


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_workers_of_later_pools_do_not_have_the_extension(
    start_program: StartProgram, method: str
) -> None:
    """Nor do replacements."""
    source = f"""
        import multiprocessing
        import gopool
        from support import tasks

        if __name__ == "__main__":
            context = multiprocessing.get_context("{method}")
            for _ in range(2):
                with gopool.Pool(1, maxtasksperchild=2, context=context) as pool:
                    assert pool.map(tasks.has_module, ["gopool._native"] * 6, 1) == [False] * 6
    """
    run(start_program, source)


def test_forked_workers_never_call_the_extension(Pool: PoolClass, ledger: Ledger) -> None:
    """They inherit it once it is loaded, and leave it alone: in tasks, in errors and at the end."""
    with Pool(1) as pool:
        pool.apply(tasks.nothing)
    pool = Pool(2, tasks.booby_trap, (ledger,), maxtasksperchild=50)
    assert pool.map(tasks.square, range(300), 1) == [n * n for n in range(300)]
    assert pool.map(tasks.identity, [bytes(3 << 20)] * 3, 1) == [bytes(3 << 20)] * 3
    with pytest.raises(ValueError):
        pool.map(tasks.fail_at_three, range(10), 1)
    pool.apply(tasks.collect_garbage)
    pool.close()
    pool.join()
    assert ledger.read() == []


def test_the_trap_of_the_test_above_works(Pool: PoolClass, ledger: Ledger) -> None:
    """A call of the extension in a worker would be seen."""
    with Pool(1) as pool:
        pool.apply(tasks.nothing)
    with Pool(1, tasks.booby_trap, (ledger,), context=None) as pool:
        pool.apply(tasks.spring_the_trap)
    assert len(ledger.read()) == 1


def test_public_names(start_program: StartProgram) -> None:
    """What the documentation names is there, without a pool and without the extension."""
    source = """
        import multiprocessing
        import gopool

        for name in gopool.__all__:
            getattr(gopool, name)
        assert {"Pool", "TimeoutError", "WorkerLostError", "BrokenPoolError",
                "PoolTerminatedError"} <= set(gopool.__all__)
        assert gopool.TimeoutError is multiprocessing.TimeoutError
        assert issubclass(gopool.BrokenPoolError, RuntimeError)
        assert gopool.__version__.count(".") >= 1
    """
    run(start_program, source)


def test_pools_work_when_warnings_are_errors(start_program: StartProgram) -> None:
    """Python 3.12 warns about forks beside threads: not about any of ours."""
    source = """
        import gopool
        from support import deaths, tasks

        for _ in range(3):
            with gopool.Pool(2, maxtasksperchild=3) as pool:
                assert pool.map(tasks.square, range(20), 1) == [n * n for n in range(20)]
                try:
                    pool.apply(deaths.die_by, (9,))
                except gopool.WorkerLostError:
                    pass
                assert pool.map(tasks.square, range(20), 1) == [n * n for n in range(20)]
                pool.close()
                pool.join()
    """
    run(start_program, source, "-W", "error")


def test_pools_work_in_development_mode(start_program: StartProgram) -> None:
    """``-X dev`` checks allocations and shows every warning: there is none."""
    source = """
        import gopool
        from support import tasks

        for _ in range(3):
            with gopool.Pool(2) as pool:
                assert pool.map(tasks.square, range(200), 1) == [n * n for n in range(200)]
        with gopool.Pool(2) as pool:
            result = pool.map_async(tasks.square, range(10))
            pool.close()
            pool.join()
    """
    run(start_program, source, "-X", "dev")
