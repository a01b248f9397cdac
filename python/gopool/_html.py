"""What a notebook shows of a pool: its state and `Pool.stats`, as one small table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._stats import PoolStats, WorkerStats

_CELL = "padding:1px 8px;text-align:left"

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def page(title: str, stats: PoolStats | None) -> str:
    """Return a table of what a pool does, under a title."""
    caption = f'<caption style="{_CELL};font-weight:bold">{escape(title)}</caption>'
    rows = [] if stats is None else [*_totals(stats), *_workers(stats)]
    return f'<table style="font-size:small">{caption}{"".join(rows)}</table>'


def _totals(stats: PoolStats) -> list[str]:
    tasks = (
        f"{stats.tasks_done} done, {stats.tasks_running} running, {stats.tasks_queued} queued, "
        f"{stats.tasks_lost} lost, {stats.tasks_retried} retried"
    )
    shared = stats.shared_memory_caller + stats.shared_memory_workers
    data = (
        f"{_size(stats.bytes_sent)} sent, {_size(stats.bytes_received)} received, "
        f"{_size(shared)} of shared memory"
    )
    time = f"{stats.uptime:.1f} s, workers {stats.utilisation:.0%} in tasks"
    wide = f'<td style="{_CELL}" colspan="4">'
    return [
        f'<tr><th style="{_CELL}">{head}</th>{wide}{escape(text)}</td></tr>'
        for head, text in (("Tasks", tasks), ("Data", data), ("Time", time))
    ]


def _workers(stats: PoolStats) -> list[str]:
    heads = ("Worker", "Process", "State", "Runs", "Done")
    cells = "".join(f'<th style="{_CELL}">{head}</th>' for head in heads)
    return [f"<tr>{cells}</tr>", *map(_worker, stats.workers)] if stats.workers else []


def _worker(worker: WorkerStats) -> str:
    runs = ""
    if worker.function is not None:
        runs = f"{worker.function} (task {worker.task}) for {worker.seconds:.1f} s"
    values = (worker.number, worker.pid, worker.state, runs, worker.tasks_done)
    cells = "".join(f'<td style="{_CELL}">{escape(str(value))}</td>' for value in values)
    return f"<tr>{cells}</tr>"


def _size(count: float) -> str:
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count /= 1024
        unit += 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 else f"{count:.1f} {_UNITS[unit]}"
