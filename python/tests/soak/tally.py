"""What a run has done so far."""

from __future__ import annotations

import threading
import time
from collections import Counter


class Tally:
    """Counts, by name, of any thread; and when there was progress."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._longest: dict[str, float] = {}
        self.progress = time.monotonic()

    def longest(self, name: str, seconds: float) -> None:
        """Keep the longest time that something took."""
        with self._lock:
            self._longest[name] = max(seconds, self._longest.get(name, 0))

    def add(self, name: str, count: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[name] += count

    def touch(self) -> None:
        """Say that there was progress."""
        self.progress = time.monotonic()

    def times(self) -> dict[str, float]:
        """Return the longest times."""
        with self._lock:
            return dict(self._longest)

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def under(self, prefix: str) -> dict[str, int]:
        """Return the counts whose name has a prefix, without it."""
        with self._lock:
            return {
                name.removeprefix(prefix): count
                for name, count in sorted(self._counts.items())
                if name.startswith(prefix)
            }
