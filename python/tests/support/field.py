"""Where jobs are run to be audited."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from .audit import Audit
from .journal import Journal
from .latches import Mailbox
from .workload import Job, run_jobs


class Field:
    """A place for journals, one for each audit, and the mailbox of those who are to be killed."""

    def __init__(self, directory: Path, mailbox: Mailbox) -> None:
        self._directory = directory
        self._mailbox = mailbox

    def audit(self, pool: Any, jobs: list[Job]) -> list[str]:
        """Run jobs; return where what the caller was told differs from what the tasks did."""
        with tempfile.TemporaryDirectory(dir=self._directory) as directory:
            journal = Journal(f"{directory}/journal")
            killed = run_jobs(pool, journal, self._mailbox, jobs)
            return Audit(journal.read(), killed).violations(jobs)
