"""The command `gopool`. What a subcommand needs is imported when it is called."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from . import __version__

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def main() -> None:
    """Do what the command line says. Raises SystemExit for one that makes no sense."""
    parser = argparse.ArgumentParser(
        prog="gopool",
        description="Worker pools for Python, run by Go: a drop-in for multiprocessing.Pool.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"gopool {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_build(commands)
    arguments = parser.parse_args(sys.argv[1:] or ["--help"])
    arguments.call(arguments)


def _add_run(commands: Commands) -> None:
    run = commands.add_parser(
        "run",
        help="run a Python program, with gopool in place of multiprocessing.Pool",
        usage="gopool run [-h] program.py [argument ...]\n"
        "       gopool run [-h] -m module [argument ...]",
        description="Run a Python program as `python program.py` or `python -m module` would, "
        "with gopool in place of multiprocessing.Pool and ThreadPool, in all its processes.",
        epilog="Options for Python itself go before it: python -X dev -m gopool run program.py",
        allow_abbrev=False,
    )
    run.add_argument("-m", action="store_true", dest="is_module", help="run a module by its name")
    # One argument for all: argparse would take a `--` that follows the program for its own.
    run.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="program.py",
        help="a file, or a directory or zip file with a __main__.py; "
        "all that follows is for the program",
    )
    run.set_defaults(call=_run, error=run.error)


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.words:
        arguments.error("which program?")
    from ._run import run_file, run_module

    run = run_module if arguments.is_module else run_file
    run(*arguments.words)


def _add_build(commands: Commands) -> None:
    build = commands.add_parser(
        "build",
        help="make a Python package of a Go package",
        description="Compile the Go package in a directory to a Python package of the same name, "
        "whose functions run in goroutines: by themselves, or in a gopool.GoPool.",
        allow_abbrev=False,
    )
    build.add_argument("path", metavar="DIRECTORY", help="the directory of the Go package")
    build.add_argument("--wheel", action="store_true", help="make a wheel instead, in dist")
    build.add_argument(
        "--output", metavar="DIR", help="where the result goes, instead of the current directory"
    )
    build.set_defaults(call=_build)


def _build(arguments: argparse.Namespace) -> None:
    from ._build.package import build

    try:
        build(arguments.path, arguments.output, as_wheel=arguments.wheel)
    except OSError as error:
        raise SystemExit(f"gopool build: {error}") from None
