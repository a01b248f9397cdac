"""One suite, two implementations.

A test that takes the argument ``Pool`` runs on ``gopool.Pool`` and on
``multiprocessing.pool.Pool``: it states the contract of both. ``AnyThreadPool`` does the same
for ``ThreadPool``. ``gopool_only(reason)`` marks a
deliberate difference, or a case in which multiprocessing hangs. ``--implementation`` chooses one.
After each test nothing may be left over: no process, thread, descriptor or shared memory.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import multiprocessing.pool
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from multiprocessing import resource_tracker
from multiprocessing.context import BaseContext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import hypothesis
import psutil
import pytest
import pytest_timeout

# First on sys.path, which the workers of every start method receive: they import the tasks by name.
sys.path.insert(0, str(Path(__file__).parent))

from support import leaks, standstill, tasks
from support.go_build import GoPackages
from support.latches import DEADLINE, Gate, Ledger, Mailbox
from support.programs import Program

if TYPE_CHECKING:  # it imports gopool
    from support.field import Field

# In a job that a shell runs in the background it is ignored, here and in programs that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

START_METHODS = ("fork", "forkserver", "spawn")

FAILED = pytest.StashKey[bool]()

# Python 3.12 warns about the forks of multiprocessing once Go's threads exist; ours must not warn.
FORK_WARNING = "ignore:This process .* is multi-threaded:DeprecationWarning"

hypothesis.settings.register_profile("gopool", deadline=None, database=None, max_examples=40)
hypothesis.settings.load_profile("gopool")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--implementation",
        choices=("both", "gopool", "multiprocessing"),
        default="both",
        help="run the tests on this implementation of Pool",
    )
    parser.addoption(
        "--grace",
        type=float,
        default=leaks.GRACE,
        help="seconds until what a test left on its way out counts as left over",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gopool_only(reason): multiprocessing.Pool differs")
    config.addinivalue_line("markers", "faults: what `make repeat` repeats")
    if config.getoption("implementation") != "multiprocessing":
        import gopool

        if not hasattr(gopool, "Pool"):
            raise pytest.UsageError("gopool is not installed (--implementation=multiprocessing?)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, name in (("Pool", "Pool"), ("AnyThreadPool", "ThreadPool")):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, _implementations(metafunc, name))


def _implementations(metafunc: pytest.Metafunc, name: str) -> list[Any]:
    """Return the classes of that name that the test is to run on."""
    chosen = metafunc.config.getoption("implementation")
    parameters = []
    if chosen != "multiprocessing":
        import gopool

        parameters.append(pytest.param(getattr(gopool, name), id="gopool"))
    if chosen != "gopool" and not metafunc.definition.get_closest_marker("gopool_only"):
        parameters.append(
            pytest.param(
                getattr(multiprocessing.pool, name),
                id="multiprocessing",
                marks=pytest.mark.filterwarnings(FORK_WARNING),
            )
        )
    return parameters


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if marker := item.get_closest_marker("gopool_only"):
            assert any(marker.args), f"{item.nodeid}: gopool_only needs a reason"
    if config.getoption("implementation") == "multiprocessing":
        ours = [item for item in items if item.get_closest_marker("gopool_only")]
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember for the fixtures that a test has failed."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


def pytest_timeout_set_timer(item: pytest.Item, settings: pytest_timeout.Settings) -> bool:
    """Have more printed at the time limit than pytest-timeout would, which does all else."""
    timer = threading.Timer(settings.timeout, _time_out, (item, settings))
    timer.name = "time limit"
    timer.daemon = True

    def cancel() -> None:
        timer.cancel()
        timer.join()

    item.cancel_timeout = cancel  # type: ignore[attr-defined]
    timer.start()
    return True


def _time_out(item: pytest.Item, settings: pytest_timeout.Settings) -> None:
    """Print what everybody does, and end the run."""
    try:
        item.config.pluginmanager.getplugin("capturemanager").suspend()
        standstill.explain()
    finally:
        pytest_timeout.timeout_timer(item, settings)


@pytest.fixture(scope="session")
def warm_up(request: pytest.FixtureRequest) -> None:
    """Start once what lives as long as the interpreter: helpers of Python, and Go's runtime."""
    resource_tracker.ensure_running()
    multiprocessing.Value("i")
    chosen = request.config.getoption("implementation")
    classes: list[Callable[..., Any]] = [multiprocessing.pool.Pool]
    if chosen != "multiprocessing":
        import gopool

        classes.insert(0, gopool.Pool)
    for method in ("fork", "forkserver"):
        for cls in classes:
            with cls(1, context=multiprocessing.get_context(method)) as pool:
                pool.map(tasks.identity, [bytes(1 << 20)])
    # Garbage is collected before and after each test: it need not be looked for among the
    # libraries and tests that are loaded by now, which takes longer than most tests.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def go_packages(tmp_path_factory: pytest.TempPathFactory) -> GoPackages:
    return GoPackages(tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="session")
def kinds(go_packages: GoPackages) -> ModuleType:
    """The Go package with a function for each kind of parameter and result."""
    return go_packages("kinds")


@pytest.fixture(scope="session")
def faults(go_packages: GoPackages) -> ModuleType:
    """The Go package with functions that fail, and functions that wait."""
    return go_packages("faults")


@pytest.fixture(autouse=True)
def nothing_is_left_over(request: pytest.FixtureRequest, warm_up: None) -> Iterator[None]:
    """Fail a test that passed but left something behind."""
    before = leaks.take_snapshot()
    yield
    if request.node.stash.get(FAILED, False):
        _end_what_a_failed_test_left(before)
    else:
        found = leaks.leaks_since(before, request.config.getoption("grace"))
        _end_what_a_failed_test_left(before)
        assert not found, "left over:\n" + "\n".join(found)


def _end_what_a_failed_test_left(before: leaks.Snapshot) -> None:
    """Keep one failure from spoiling the tests behind it: end its pools, kill its children."""
    if leaks.take_snapshot().processes.keys() <= before.processes.keys():
        return
    classes = (multiprocessing.pool.Pool, getattr(sys.modules.get("gopool"), "Pool", ()))
    for thing in gc.get_objects():
        if isinstance(thing, classes):
            thing.terminate()
    for key in leaks.take_snapshot().processes.keys() - before.processes.keys():
        assert isinstance(key, tuple)
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(key[0]).kill()


@pytest.fixture(params=START_METHODS)
def context(request: pytest.FixtureRequest) -> BaseContext:
    """One multiprocessing context after the other."""
    method: str = request.param
    return multiprocessing.get_context(method)


@pytest.fixture
def make_gate(tmp_path: Path) -> Iterator[Callable[[], Gate]]:
    """Make gates; all of them are opened in the end, so that nothing stays behind one."""
    gates: list[tuple[Gate, int]] = []

    def make() -> Gate:
        path = str(tmp_path / f"gate-{len(gates)}")
        os.mkfifo(path)
        gates.append((Gate(path), os.open(path, os.O_RDWR)))
        return gates[-1][0]

    yield make
    for gate, fd in gates:
        gate.open()
        os.close(fd)


@pytest.fixture
def gate(make_gate: Callable[[], Gate]) -> Gate:
    return make_gate()


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    path = str(tmp_path / "mailbox")
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR)
    yield Mailbox(path)
    os.close(fd)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(str(tmp_path / "ledger"))


@pytest.fixture
def field(tmp_path: Path, mailbox: Mailbox) -> Field:
    from support.field import Field

    return Field(tmp_path, mailbox)


@pytest.fixture
def long_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a pool that is terminated wait for idle workers, on however busy a machine."""
    monkeypatch.setattr("gopool._supervisor.GRACE", DEADLINE)


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start Python programs; none survives the test."""
    programs: list[Program] = []

    def start(
        source: str = "",
        *,
        options: tuple[str, ...] = (),
        arguments: tuple[str, ...] | None = None,
        packages: Path | None = None,
    ) -> Program:
        programs.append(
            Program(tmp_path, source, options=options, arguments=arguments, packages=packages)
        )
        return programs[-1]

    yield start
    for program in programs:
        program.dispose()
