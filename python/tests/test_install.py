"""``gopool.install``: gopool's pools in the place of the standard library's."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import START_METHODS
from support.programs import Program

import gopool

pytestmark = pytest.mark.gopool_only("it is gopool that is installed")

StartProgram = Callable[..., Program]

# Stands for gopool.pool, and is quickly imported: classes that are derived from the standard ones.
DERIVED = """
import multiprocessing.pool
from multiprocessing.pool import ThreadPool as StandardThreadPool

class Pool(multiprocessing.pool.Pool):
    pass

class ThreadPool(StandardThreadPool):
    pass
"""

# Lets `gopool` have these, in a program that has their file beside it.
USE_DERIVED = """
import gopool
gopool.__path__.insert(0, ".")
"""


def run(start_program: StartProgram, source: str, *options: str) -> str:
    """Run a program that must succeed silently, and return what it printed."""
    outcome = start_program(source, options=options).outcome()
    assert outcome.stderr == ""
    assert outcome.status == 0
    return outcome.stdout


@pytest.fixture
def derived(tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text(DERIVED)


def test_every_way_to_a_pool(start_program: StartProgram) -> None:
    """All of them give gopool's, and it works."""
    source = """
        import gopool
        gopool.install()
        import multiprocessing.dummy, multiprocessing.pool
        from multiprocessing import Pool
        from multiprocessing.pool import Pool as PoolClass
        from support import tasks

        if __name__ == "__main__":
            ways = [Pool, PoolClass, multiprocessing.Pool, multiprocessing.pool.Pool]
            methods = multiprocessing.get_all_start_methods()
            ways += [multiprocessing.get_context(method).Pool for method in [None, *methods]]
            for way in ways:
                with way(1, maxtasksperchild=2) as pool:
                    assert type(pool) is gopool.Pool, way
                    assert pool.map(tasks.square, range(3)) == [0, 1, 4]
    """
    run(start_program, source)


def test_every_way_to_a_pool_of_threads(start_program: StartProgram) -> None:
    """It is replaced too."""
    source = """
        import gopool
        from multiprocessing.pool import ThreadPool as Standard
        gopool.install()
        import multiprocessing.dummy, multiprocessing.pool
        from multiprocessing.dummy import Pool
        from multiprocessing.pool import ThreadPool

        for way in Pool, ThreadPool, multiprocessing.dummy.Pool, multiprocessing.pool.ThreadPool:
            with way(1) as pool:
                assert type(pool) is gopool.ThreadPool, way
                for cls in ThreadPool, Standard, gopool.Pool, multiprocessing.pool.Pool:
                    assert isinstance(pool, cls)
                assert pool.map(lambda n: -n, [-1]) == [1]
    """
    run(start_program, source)


def test_names_that_were_imported_before(start_program: StartProgram) -> None:
    """Functions that make a pool are replaced all the same; classes stay, and go on working."""
    source = """
        import multiprocessing
        from multiprocessing import Pool
        from multiprocessing.pool import Pool as Standard, ThreadPool as StandardThreadPool
        from support import tasks
        make = multiprocessing.get_context("spawn").Pool
        import gopool

        if __name__ == "__main__":
            with Standard(1, maxtasksperchild=1) as older:
                gopool.install()
                for way in Pool, make:
                    with way(1) as pool:
                        assert type(pool) is gopool.Pool
                for pool in older, Standard(1, maxtasksperchild=1), StandardThreadPool(1):
                    with pool:
                        assert type(pool) in (Standard, StandardThreadPool)
                        assert pool.map(tasks.square, range(3), 1) == [0, 1, 4]
    """
    run(start_program, source, "-W", "ignore::DeprecationWarning")


ORDERS = list(
    itertools.permutations(
        (
            "gopool.install()",
            "import gopool.pool",
            "import multiprocessing.pool",
            "import multiprocessing.managers",
        )
    )
)


@pytest.mark.parametrize("order", ORDERS, ids=range(len(ORDERS)))
def test_the_order_of_imports_does_not_matter(
    start_program: StartProgram, order: tuple[str, ...]
) -> None:
    """gopool's classes are derived from the standard ones, never from themselves."""
    lines = "\n".join(order)
    source = f"""
import gopool
{lines}
import multiprocessing.pool
for name in "Pool", "ThreadPool":
    cls = getattr(multiprocessing.pool, name)
    assert cls is getattr(gopool, name) is getattr(gopool.pool, name)
    base = cls.__bases__[-1]
    assert (base.__module__, base.__name__) == ("multiprocessing.pool", name)
    gopool.uninstall()
    assert getattr(multiprocessing.pool, name) is base
    gopool.install()
"""
    run(start_program, source)


@pytest.mark.usefixtures("derived")
def test_threads_get_the_same_class(start_program: StartProgram) -> None:
    """Also one that asks while another imports it: only that one may get its base."""
    source = f"""
{USE_DERIVED}
import builtins, threading
gopool.install()
import multiprocessing.pool

started, asking = threading.Event(), threading.Event()
builtins.hold = lambda: (started.set(), asking.wait())
with open("pool.py", "r+") as file:
    text = file.read()
    file.seek(0)
    file.write("hold()\\n" + text)

def ask():
    started.wait()
    asking.set()
    classes.append(multiprocessing.pool.Pool)

classes = []
thread = threading.Thread(target=ask)
thread.start()
classes.append(multiprocessing.pool.Pool)
thread.join()
assert classes == [gopool.Pool] * 2, classes
"""
    run(start_program, source)


def test_uninstall_restores_what_was_there(start_program: StartProgram) -> None:
    """Once is enough, however often it was installed; and without that it does nothing."""
    source = """
        import sys
        import multiprocessing.pool, multiprocessing.spawn
        import gopool
        from support import tasks

        def state():
            return {
                "finders": list(sys.meta_path),
                "module": type(multiprocessing.pool),
                "names": dict(vars(multiprocessing.pool)),
                "function": multiprocessing.Pool,
                "context": dict(vars(multiprocessing.context.BaseContext)),
                "children": multiprocessing.spawn.get_preparation_data,
            }

        gopool.uninstall
        before = state()
        gopool.uninstall()
        assert state() == before
        for _ in range(2):
            gopool.install()
            gopool.install()
            assert state() != before
            assert multiprocessing.pool.Pool is gopool.Pool
            gopool.uninstall()
            gopool.uninstall()
            assert state() == before
            with multiprocessing.Pool(1) as pool:
                assert type(pool) is multiprocessing.pool.Pool is not gopool.Pool
                assert pool.map(tasks.square, [2]) == [4]
    """
    run(start_program, source, "-W", "ignore::DeprecationWarning")


def test_what_somebody_else_puts_there_stays(start_program: StartProgram) -> None:
    """Mocks, and classes of other libraries, before and after."""
    source = """
        import multiprocessing.pool
        from unittest import mock
        import gopool

        gopool.install()
        with mock.patch("multiprocessing.pool.Pool") as fake:
            assert multiprocessing.Pool() is fake.return_value
        assert multiprocessing.pool.Pool is gopool.Pool
        multiprocessing.pool.Pool = fake
        gopool.uninstall()
        gopool.install()
        assert multiprocessing.pool.Pool is fake
    """
    run(start_program, source)


def test_installing_imports_no_pool(start_program: StartProgram) -> None:
    """Not even the standard one, nor in a process that is spawned: that would cost it its start."""
    source = """
        import multiprocessing, sys
        import gopool

        def check():
            for name in "gopool.pool", "gopool._native", "multiprocessing.pool":
                assert name not in sys.modules, name
            assert sys.meta_path[0].__module__ == "gopool._install"

        if __name__ == "__main__":
            gopool.install()
            process = multiprocessing.get_context("spawn").Process(target=check)
            check()
            process.start()
            process.join()
            assert process.exitcode == 0
    """
    run(start_program, source)


@pytest.mark.parametrize("method", START_METHODS)
def test_children_have_it_too(start_program: StartProgram, method: str) -> None:
    """Processes, their children, and workers; before the main module is imported."""
    source = f"""
        import multiprocessing
        import gopool
        if __name__ == "__main__":
            gopool.install()
        from multiprocessing.pool import Pool

        context = multiprocessing.get_context({method!r})

        def names(_=None):
            return [Pool.__module__, multiprocessing.pool.Pool.__module__]

        def child(queue, depth):
            if depth:
                process = context.Process(target=child, args=(queue, depth - 1))
                process.start()
                process.join()
                return
            with context.Pool(1) as pool:
                queue.put(names() + pool.apply(names) + [type(pool).__module__])

        if __name__ == "__main__":
            queue = context.SimpleQueue()
            for depth in 1, 2:
                child(queue, depth)
                assert set(queue.get()) == {{"gopool.pool"}}
            with Pool(1, context=context) as pool:
                assert set(pool.apply(names)) == {{"gopool.pool"}}
    """
    run(start_program, source)


@pytest.mark.parametrize("method", START_METHODS)
def test_children_of_an_uninstalled_program_do_not_have_it(
    start_program: StartProgram, method: str
) -> None:
    """A server of forkserver that was started meanwhile makes no difference."""
    source = f"""
        import multiprocessing
        import gopool

        context = multiprocessing.get_context({method!r})

        def child(queue):
            import multiprocessing.pool
            queue.put(multiprocessing.pool.Pool.__module__)

        if __name__ == "__main__":
            queue = context.SimpleQueue()
            for switch in gopool.install, gopool.uninstall:
                switch()
                process = context.Process(target=child, args=(queue,))
                process.start()
                print(queue.get())
                process.join()
    """
    assert run(start_program, source).split() == ["gopool.pool", "multiprocessing.pool"]


def test_a_child_that_was_forked_beside_a_pool_goes_on(start_program: StartProgram) -> None:
    """gopool can't be used there, so what is asked of multiprocessing is standard."""
    source = """
        import multiprocessing, multiprocessing.dummy
        import gopool
        from support import tasks

        def child():
            for make in multiprocessing.Pool, multiprocessing.dummy.Pool:
                with make(1) as pool:
                    assert type(pool).__module__ == "multiprocessing.pool"
                    assert pool.map(tasks.square, [2]) == [4]

        gopool.install()
        context = multiprocessing.get_context("fork")
        with context.Pool(1) as pool:
            assert pool.apply(tasks.square, (2,)) == 4
            process = context.Process(target=child)
            process.start()
            process.join()
            assert process.exitcode == 0
            assert type(multiprocessing.Pool()) is gopool.Pool
    """
    run(start_program, source, "-W", "ignore")


def test_children_find_gopool_where_their_parent_did(start_program: StartProgram) -> None:
    """Which only the sys.path of the parent may tell, as here that of a program without site."""
    place = Path(gopool.__file__).parents[1]
    source = f"""
        import multiprocessing, sys
        sys.path.append({str(place)!r})

        def child():
            import multiprocessing.pool
            assert multiprocessing.pool.Pool.__module__ == "gopool.pool"

        if __name__ == "__main__":
            import gopool
            gopool.install()
            for method in "spawn", "forkserver":
                process = multiprocessing.get_context(method).Process(target=child)
                process.start()
                process.join()
                assert process.exitcode == 0
    """
    run(start_program, source, "-S")


@pytest.mark.parametrize("method", START_METHODS)
def test_the_pool_of_a_manager_stays_standard(start_program: StartProgram, method: str) -> None:
    """It runs in the manager's process, which may be forked from where gopool is at work."""
    source = f"""
        import gopool
        gopool.install()
        import multiprocessing
        from support import tasks

        if __name__ == "__main__":
            multiprocessing.set_start_method("{method}")
            with multiprocessing.Pool(1) as pool, multiprocessing.Manager() as manager:
                assert pool.apply(tasks.square, (2,)) == 4
                proxy = manager.Pool(1)
                assert str(proxy).startswith("<multiprocessing.pool.Pool ")
                assert proxy.map(tasks.square, [3]) == [9]
                proxy.close()
                proxy.join()
    """
    run(start_program, source, "-W", "ignore::DeprecationWarning")


def test_the_server_of_forkserver_does_not_import_the_main_module(
    start_program: StartProgram,
) -> None:
    """Later versions of Python ask for it there, where nothing is installed yet."""
    source = """
        import multiprocessing.forkserver
        import gopool

        gopool.install()
        data = eval("spawn.get_preparation_data('ignore')", vars(multiprocessing.forkserver))
        assert "sys_path" in data
        assert "init_main_from_path" not in data
        assert "init_main_from_path" in multiprocessing.spawn.get_preparation_data("ignore")
    """
    run(start_program, source)
