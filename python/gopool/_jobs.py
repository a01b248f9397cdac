"""Dropping the results of a job, and with them the memory that they were in."""

from __future__ import annotations

from . import _core, _lender


def forget(job: int) -> None:
    """Drop a job's results and its number. Its tasks still run; no more can be added."""
    _core.native.bridge_Forget(job)
    if _lender.ended:
        _lender.prune()


def neglect(job: int) -> None:
    """Drop a job's results, those here and those to come. More tasks can be added."""
    _core.native.bridge_Neglect(job)
    if _lender.ended:
        _lender.prune()
