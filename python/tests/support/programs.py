"""Python programs of their own that a test runs, signals and waits for."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parents[1]

TIME_LIMIT = 90.0

PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "conftest", "--rootdir=.")
"""Arguments of Python that run the tests in a directory with the fixtures of these."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended."""

    status: int
    stdout: str
    stderr: str


class Program:
    """A running Python program in a session, and a process group, of its own."""

    def __init__(
        self,
        directory: Path,
        source: str,
        *,
        options: tuple[str, ...] = (),
        arguments: tuple[str, ...] | None = None,
        packages: Path | None = None,
    ) -> None:
        """Start Python with options and arguments; by default the only one is the source's file.

        It imports what is in the directory `packages`, beside what the tests import.
        """
        file = directory / "program.py"
        file.write_text(textwrap.dedent(source))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
        environment["PYTHONPATH"] = os.pathsep.join(str(path) for path in (TESTS, packages) if path)
        self.process = subprocess.Popen(
            [sys.executable, *options, *([str(file)] if arguments is None else arguments)],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def kill(self) -> None:
        """End the program the hard way, and nothing but the program."""
        self.process.kill()

    def interrupt_group(self) -> None:
        """Do what Ctrl-C does in a terminal: interrupt the program and all its workers."""
        os.killpg(self.process.pid, signal.SIGINT)

    def outcome(self, timeout: float = TIME_LIMIT) -> Outcome:
        """Wait for the end; fail at the time limit.

        The end of stdout and stderr is waited for too, so that a worker left behind with these
        descriptors counts as a program that does not end.
        """
        try:
            stdout, stderr = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            stdout, stderr = self._end_group()
            raise AssertionError(
                f"no end in {timeout} s\nstdout:\n{stdout}\nstderr:\n{stderr}"
            ) from None
        return Outcome(self.process.returncode, stdout, stderr)

    def dispose(self) -> None:
        """Leave nothing of the program behind, whatever the test did."""
        if self.process.stdout and not self.process.stdout.closed:
            self._end_group()

    def _end_group(self) -> tuple[str, str]:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.communicate()
