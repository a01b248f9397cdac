"""``gopool run``: programs run as Python itself would run them, with gopool's pools."""

from __future__ import annotations

import os
import py_compile
import shutil
import signal
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from conftest import START_METHODS
from support.programs import Outcome, Program

import gopool

pytestmark = pytest.mark.gopool_only("it is gopool that runs the programs")

StartProgram = Callable[..., Program]

GOPOOL_RUN = ("-m", "gopool", "run")

# All that a program can see of how it was started.
SHOW = """
import sys, __main__
print(sys.argv, sys.path, __name__, __package__, __file__, __cached__, __doc__, type(__loader__))
print(__spec__ and (__spec__.name, __spec__.origin, __spec__.parent), type(__builtins__))
print(vars(__main__) is globals(), sys.modules["__main__"] is __main__)
def function(argument: int): ...
print(function.__annotations__)  # a future of ours would make them text
"""


@pytest.fixture
def compare(start_program: StartProgram) -> Callable[..., Outcome]:
    """Run the same by Python and by ``gopool run``: all that there is to see is the same."""

    def both(source: str = "", *, options: tuple[str, ...] = (), **keywords: object) -> Outcome:
        expected = start_program(source, options=options, **keywords).outcome()
        found = start_program(source, options=(*options, *GOPOOL_RUN), **keywords).outcome()
        assert found == expected
        return found

    return both


Compare = Callable[..., Outcome]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Lay out one program in all the ways that Python knows."""
    (tmp_path / "beside.py").write_text("")
    (tmp_path / "program.py").write_text(SHOW)
    (tmp_path / "latin.py").write_bytes(b"# coding: latin-1\nprint(ascii('\xe9'))")
    (tmp_path / "package").mkdir()
    for name in "__init__.py", "empty.py":
        (tmp_path / "package" / name).write_text("")
    for name in "__main__.py", "module.py":
        (tmp_path / "package" / name).write_text(SHOW)
    (tmp_path / "link.py").symlink_to("package/module.py")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "linked").symlink_to("a/b")
    (tmp_path / "a" / "program.py").write_text(SHOW)
    shutil.copytree(tmp_path / "package", tmp_path / "package.d")
    py_compile.compile(str(tmp_path / "package" / "module.py"), str(tmp_path / "compiled.pyc"))
    with ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.write(tmp_path / "package" / "module.py", "__main__.py")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("program.py",),
        ("./program.py", "-m", "--help", "--version", "-h", "x y", ""),
        ("program.py", "--", "-x", "--"),
        ("program.py", "run", "program.py"),
        ("package/module.py", "--flag=1"),
        ("a/../program.py",),
        ("linked/../program.py",),
        ("link.py",),
        ("latin.py",),
        ("compiled.pyc", "x"),
        ("package.d", "x"),
        ("archive.zip", "-x"),
        ("-m", "program", "-m", "--help", "--", ""),
        ("-m", "package", "x"),
        ("-m", "package.module", "--version"),
        ("-m", "package.missing"),
        ("-m", "missing"),
        ("-m", "missing.module"),
        ("-m", "program.py"),
    ],
    ids=" ".join,
)
def test_the_program_sees_what_it_would_see(
    compare: Compare, files: Path, arguments: tuple[str, ...]
) -> None:
    """Arguments, paths, its module; and options behind its name are its own."""
    compare(SHOW, arguments=arguments)


@pytest.mark.parametrize("options", [("-I",), ("-P",), ("-X", "dev"), ("-O",)], ids=" ".join)
@pytest.mark.parametrize(
    "arguments", [("program.py",), ("package.d",), ("-m", "this")], ids=" ".join
)
def test_options_of_python_are_obeyed(
    compare: Compare, files: Path, options: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    """Those that keep the program's directory off ``sys.path`` too."""
    if options == ("-P",) and sys.version_info < (3, 11):
        pytest.skip("this Python has no option -P")
    compare(SHOW, options=options, arguments=arguments)


def test_the_absolute_path_of_a_program(compare: Compare, files: Path) -> None:
    """It does not depend on the working directory."""
    compare(SHOW)


ENDS = {
    "without a word": "",
    "sys.exit()": "import sys; sys.exit()",
    "sys.exit(3)": "import sys; sys.exit(3)",
    "sys.exit(message)": "import sys; sys.exit('this is why')",
    "os._exit": "import os; os._exit(4)",
    "an exception": "def f(): g()\ndef g(): 1 / 0\nf()",
    "an exception with a cause": """
        def f():
            try:
                1 / 0
            except Exception as error:
                raise ValueError("with a cause") from error
        f()
    """,
    "an exception at the top level": "x = 1\nraise LookupError",
    "an exception that is raised again": """
        try:
            1 / 0
        except ZeroDivisionError as error:
            error.add_note("noted") if hasattr(error, "add_note") else None
            raise
    """,
    "a group of exceptions": """
        import sys
        if sys.version_info < (3, 11): sys.exit()
        raise ExceptionGroup("group", [ValueError(1), TypeError(2)])
    """,
    "a module that is not there": "import nowhere",
    "a module with a mistake": """
        open("mistaken.py", "w").write("x = (")
        import mistaken
    """,
    "a mistake": "print('never')\nx = = 1",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGINT); signal.pause()",
    "death": "import os; os.kill(os.getpid(), 9)",
    "a hook of its own": """
        import sys, traceback
        def hook(kind, error, tb):
            print(kind, error, tb is error.__traceback__, sys.excepthook is hook)
            traceback.print_tb(tb)
        sys.excepthook = hook
        def f(): 1 / 0
        f()
    """,
    "functions at exit": """
        import atexit, sys
        atexit.register(lambda: print("at exit", __name__, sys.modules["__main__"].__dict__ is G))
        G = globals()
        print("end")
    """,
    "functions at exit after an exception": """
        import atexit
        atexit.register(lambda: print("at exit"))
        1 / 0
    """,
    "a thread that goes on": """
        import atexit, threading
        def work():
            threading.main_thread().join()
            print("still here", greeting, __name__)
            exec("import pickle; assert pickle.loads(pickle.dumps(work)) is work", globals())
        greeting = "hello"
        atexit.register(print, "at exit")
        threading.Thread(target=work).start()
    """,
    "a thread that goes on after an exception": """
        import threading
        def work():
            threading.main_thread().join()
            print(greeting)
            1 / 0
        greeting = "hello"
        threading.Thread(target=work).start()
        raise ValueError
    """,
    "a forked child": """
        import os, sys
        pid = os.fork()
        if pid:
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        else:
            sys.exit(5)
    """,
    "a process that fails": """
        import multiprocessing
        def fail(): 1 / 0
        process = multiprocessing.get_context("fork").Process(target=fail)
        process.start()
        process.join()
        print(process.exitcode)
    """,
    "an object in the main module": """
        class Object:
            def __del__(self): print("gone", x)
        x = 1
        kept = Object()
    """,
}


@pytest.mark.parametrize("source", ENDS.values(), ids=ENDS.keys())
def test_programs_end_as_they_would(compare: Compare, source: str) -> None:
    """The same status, and the same words: no traceback has frames of ours."""
    compare(source)


@pytest.mark.parametrize("name", ["an exception", "sys.exit(message)", "a mistake"])
def test_modules_end_as_they_would(compare: Compare, tmp_path: Path, name: str) -> None:
    """Python shows its own frames there, and no others."""
    (tmp_path / "module.py").write_text(ENDS[name])
    compare(arguments=("-m", "module"))


@pytest.mark.parametrize("directory", [False, True])
def test_a_program_that_is_not_there(
    start_program: StartProgram, tmp_path: Path, directory: bool
) -> None:
    """One line says so; the status is Python's."""
    if directory:
        (tmp_path / "missing.py").mkdir()
    expected = start_program(arguments=("missing.py",)).outcome()
    found = start_program(arguments=(*GOPOOL_RUN, "missing.py")).outcome()
    assert found.status == expected.status == (1 if directory else 2)
    assert len(found.stderr.splitlines()) == 1
    assert found.stderr.partition(":")[2] == expected.stderr.partition(":")[2]
    assert found.stdout == ""


# A program without a word of gopool, which prints whose pools it has.
POOLS = """
import multiprocessing, multiprocessing.dummy, sys
from multiprocessing import Pool
from multiprocessing.pool import Pool as PoolClass

class Point:
    def __init__(self, x):
        self.x = x

def double(point):
    return Point(2 * point.x)

def home(_=None):
    import multiprocessing.pool
    return {PoolClass.__module__, multiprocessing.pool.Pool.__module__}

def child(queue):
    with multiprocessing.Pool(1) as pool:
        queue.put(home() | pool.apply(home) | {type(pool).__module__})

def main():
    multiprocessing.set_start_method(sys.argv[1])
    queue = multiprocessing.SimpleQueue()
    process = multiprocessing.Process(target=child, args=(queue,))
    process.start()
    print("child", *queue.get())
    process.join()
    with Pool(2) as pool:
        print("parent", type(pool).__module__, *home())
        print("workers", *set.union(*pool.map(home, range(4))))
        print([point.x for point in pool.map(double, map(Point, range(4)))])
    sys.exit(6)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("arguments", [("program.py",), ("-m", "program")], ids=" ".join)
@pytest.mark.parametrize("method", START_METHODS)
def test_all_processes_of_the_program_have_gopools_pools(
    start_program: StartProgram, tmp_path: Path, method: str, arguments: tuple[str, ...]
) -> None:
    """Parent, workers, and other processes with theirs; what is pickled is of the program."""
    running = start_program(POOLS, options=GOPOOL_RUN, arguments=(*arguments, method))
    outcome = running.outcome()
    assert outcome.stderr == ""
    assert outcome.stdout.splitlines() == [
        "child gopool.pool",
        "parent gopool.pool gopool.pool",
        "workers gopool.pool",
        "[0, 2, 4, 6]",
    ]
    assert outcome.status == 6


def test_without_gopool_the_pools_are_standard(start_program: StartProgram) -> None:
    """So the test above can fail."""
    outcome = start_program(POOLS, arguments=("program.py", "fork")).outcome()
    assert "gopool" not in outcome.stdout
    assert outcome.status == 6


def test_ctrl_c(start_program: StartProgram) -> None:
    """The program ends by the signal, which its shell can tell; its pool says nothing."""
    source = """
        import multiprocessing, time

        if __name__ == "__main__":
            with multiprocessing.Pool(2) as pool:
                print(pool.map(abs, [-1]), flush=True)
                while True:  # one long wait would miss a signal that comes right before it
                    time.sleep(0.1)
    """
    running = start_program(source, options=GOPOOL_RUN)
    assert running.process.stdout is not None
    assert running.process.stdout.readline() == "[1]\n"
    running.interrupt_group()
    outcome = running.outcome()
    assert outcome.status == -signal.SIGINT
    assert outcome.stderr.startswith("Traceback (most recent call last):\n  File ")
    assert outcome.stderr.endswith("\nKeyboardInterrupt\n")
    assert outcome.stderr.count("program.py") == outcome.stderr.count("  File ") == 1


def test_a_program_that_uninstalls(start_program: StartProgram) -> None:
    """It has the last word."""
    source = """
        import gopool, multiprocessing.pool
        assert multiprocessing.pool.Pool is gopool.Pool
        gopool.uninstall()
        assert multiprocessing.pool.Pool is not gopool.Pool
    """
    outcome = start_program(source, options=GOPOOL_RUN).outcome()
    assert (outcome.status, outcome.stderr) == (0, "")


COMMAND = os.path.join(sysconfig.get_path("scripts"), "gopool")


def test_the_command(start_program: StartProgram, files: Path) -> None:
    """It is ``python -m gopool``; its own directory is not on the path of programs."""
    expected = start_program(SHOW, arguments=("program.py", "x")).outcome()
    assert start_program(SHOW, arguments=(COMMAND, "run", "program.py", "x")).outcome() == expected
    failing = start_program("1 / 0", arguments=(COMMAND, "run", "program.py")).outcome()
    assert failing.status == 1
    assert failing.stderr.count("  File ") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--version",), 0, f"gopool {gopool.__version__}\n"),
        ((), 0, "run a Python program"),
        (("--help",), 0, "run a Python program"),
        (("run", "--help"), 0, "-m module [argument ...]"),
        (("run",), 2, "which program?"),
        (("run", "-m"), 2, "which program?"),
        (("run", "-x", "program.py"), 2, "-x"),
        (("walk",), 2, "invalid choice: 'walk'"),
    ],
)
def test_the_command_line(
    start_program: StartProgram, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """What it says of itself, and of mistakes."""
    outcome = start_program(arguments=("-m", "gopool", *arguments)).outcome()
    assert outcome.status == status
    assert said in (outcome.stderr if status else outcome.stdout)
    assert (outcome.stdout if status else outcome.stderr) == ""
