"""Pools that lose, double, swap or misreport a task, to see that an audit notices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import gopool

Call: TypeAlias = "tuple[Callable[..., Any], tuple[Any, ...]]"

VICTIM = 1
"""Index of the task that the defects are about."""


def lost(index: int) -> gopool.WorkerLostError:
    """Return the error of a task whose worker died."""
    return gopool.WorkerLostError(f"worker 1 was killed by SIGKILL while it ran run (task {index})")


class Reliable(gopool.Pool):
    """Makes the calls of a job one by one, when somebody asks for the first result.

    Has no defect; those that are derived from it have one each.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._singles = Batch(self, single=True)

    def run(self, calls: list[Call]) -> list[Any]:
        """Make the calls of a job; return what each of them came to."""
        return [self.run_one(call) for call in calls]

    def run_one(self, call: Call) -> Any:
        try:
            return super().apply_async(*call).get()
        except Exception as error:
            return error

    def error_of(self, index: int) -> gopool.WorkerLostError:
        """Return the error for a task that was lost."""
        return lost(index)

    def call_back(self, callback: Callable[[Any], object], value: object) -> None:
        callback(value)

    # The methods of a pool. Single calls are a job together.

    def apply_async(self, func: Any, args: Iterable[Any] = (), *_: Any, **callbacks: Any) -> Any:
        self._singles.calls.append((func, tuple(args)))
        return Single(self._singles, len(self._singles.calls) - 1, callbacks)

    def apply(self, func: Any, args: Iterable[Any] = (), *_: Any, **options: Any) -> Any:
        return Single(Batch(self, [(func, tuple(args))], single=True), 0, {}).get()

    def starmap_async(self, func: Any, iterable: Any, *_: Any, **options: Any) -> Any:
        return All(Batch(self, [(func, tuple(item)) for item in iterable]), options)

    def map_async(self, func: Any, iterable: Any, *_: Any, **options: Any) -> Any:
        return self.starmap_async(func, [(item,) for item in iterable], **options)

    def map(self, func: Any, iterable: Any, *_: Any, **options: Any) -> Any:
        return self.map_async(func, iterable).get()

    def starmap(self, func: Any, iterable: Any, *_: Any, **options: Any) -> Any:
        return self.starmap_async(func, iterable).get()

    def imap(self, func: Any, iterable: Any, *_: Any, **options: Any) -> Any:
        return Iteration(Batch(self, [(func, (item,)) for item in iterable]).outcomes())

    imap_unordered = imap


class Batch:
    """Calls that are made together."""

    def __init__(self, pool: Reliable, calls: Iterable[Call] = (), *, single: bool = False) -> None:
        self.pool = pool
        self.calls = list(calls)
        self._single = single
        self._outcomes: list[Any] | None = None

    def outcomes(self) -> list[Any]:
        """Make the calls unless that is done, and return what they came to."""
        if self._outcomes is None:
            self._outcomes = self.pool.run(self.calls)
            for index, outcome in enumerate(self._outcomes):
                if isinstance(outcome, gopool.WorkerLostError):
                    self._outcomes[index] = self.pool.error_of(0 if self._single else index)
        return self._outcomes


class Result:
    """What ``get`` and the callbacks have in common."""

    def __init__(self, batch: Batch, callbacks: dict[str, Any]) -> None:
        self._batch = batch
        self._callbacks = callbacks

    def finish(self, value: Any, error: Exception | None) -> Any:
        """Call back, and return or raise."""
        name = "error_callback" if error else "callback"
        if callback := self._callbacks.get(name):
            self._batch.pool.call_back(callback, error or value)
        if error:
            raise error
        return value


class Single(Result):
    def __init__(self, batch: Batch, index: int, callbacks: dict[str, Any]) -> None:
        super().__init__(batch, callbacks)
        self._index = index

    def get(self) -> Any:
        outcome = self._batch.outcomes()[self._index]
        return self.finish(outcome, outcome if isinstance(outcome, Exception) else None)


class All(Result):
    def get(self) -> Any:
        outcomes = self._batch.outcomes()
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        return self.finish(outcomes, errors[0] if errors else None)


class Iteration:
    """An iterator that goes on behind what it raises."""

    def __init__(self, outcomes: list[Any]) -> None:
        self._left = outcomes[::-1]

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not self._left:
            raise StopIteration
        outcome = self._left.pop()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


# The defects.


class RunsATaskTwice(Reliable):
    """And nobody would see it by the results."""

    def run(self, calls: list[Call]) -> list[Any]:
        self.run_one(calls[VICTIM])
        return super().run(calls)


class RunsTheLostAgain(Reliable):
    """A task whose worker died is given to another."""

    def run_one(self, call: Call) -> Any:
        outcome = super().run_one(call)
        return super().run_one(call) if isinstance(outcome, gopool.WorkerLostError) else outcome


class LosesATask(Reliable):
    """Gives the result of another in its place, which may be the same."""

    def run(self, calls: list[Call]) -> list[Any]:
        outcomes = super().run(calls[:VICTIM] + calls[VICTIM + 1 :])
        return outcomes[:VICTIM] + outcomes[:1] + outcomes[VICTIM:]


class LosesAResult(Reliable):
    """The task was run."""

    def run(self, calls: list[Call]) -> list[Any]:
        outcomes = super().run(calls)
        outcomes[VICTIM] = None
        return outcomes


class GivesAResultTwice(Reliable):
    """Once instead of another's."""

    def run(self, calls: list[Call]) -> list[Any]:
        outcomes = super().run(calls)
        outcomes[VICTIM] = outcomes[0]
        return outcomes


class SwapsTwo(Reliable):
    """Results are not in the order of the input."""

    def run(self, calls: list[Call]) -> list[Any]:
        outcomes = super().run(calls)
        outcomes[0], outcomes[VICTIM] = outcomes[VICTIM], outcomes[0]
        return outcomes


class GivesUpAFinishedTask(Reliable):
    """Reports it lost."""

    def run(self, calls: list[Call]) -> list[Any]:
        outcomes = super().run(calls)
        outcomes[VICTIM] = gopool.WorkerLostError("")
        return outcomes


class GivesUpANeighbour(Reliable):
    """Takes the task behind one whose worker died for lost, too, and never runs it."""

    def run(self, calls: list[Call]) -> list[Any]:
        outcomes: list[Any] = []
        for call in calls:
            died = bool(outcomes) and isinstance(outcomes[-1], gopool.WorkerLostError)
            outcomes.append(gopool.WorkerLostError("") if died else self.run_one(call))
        return outcomes


class HidesALoss(Reliable):
    """Gives something else for the result of a task whose worker died."""

    def run_one(self, call: Call) -> Any:
        outcome = super().run_one(call)
        return None if isinstance(outcome, gopool.WorkerLostError) else outcome


class BlamesAnother(Reliable):
    """The error of a lost task says that it was a different one."""

    def error_of(self, index: int) -> gopool.WorkerLostError:
        return lost(index + 1)


class CallsBackTwice(Reliable):
    def call_back(self, callback: Callable[[Any], object], value: object) -> None:
        callback(value)
        callback(value)


class NeverCallsBack(Reliable):
    def call_back(self, callback: Callable[[Any], object], value: object) -> None:
        pass
