"""When nothing happens any more: print what goroutines, child processes and pools' workers do.

What Python's own threads do is for the caller to print, whom this may keep waiting for `PATIENCE`.
"""

from __future__ import annotations

import gc
import sys
import threading
import traceback
from typing import Any

import psutil

PATIENCE = 5.0
"""Seconds that pools have to tell what their workers do: what stands still may hold their locks."""


def explain() -> None:
    """Print it on standard error. Nothing is loaded for that."""
    for child in psutil.Process().children(recursive=True):
        try:
            print(f"process {child.pid}: {child.status()} {child.cmdline()}", file=sys.stderr)
        except psutil.NoSuchProcess:
            continue
    core: Any = sys.modules.get("gopool._core")
    if core is None or not core.is_usable():
        return
    sys.stderr.flush()
    core.native.bridge_Stacks()
    asking = threading.Thread(target=_dump_pools, name="asks pools", daemon=True)
    asking.start()
    asking.join(PATIENCE)
    if asking.is_alive():
        print(f"pools do not tell in {PATIENCE:g} s what workers do", file=sys.stderr)


def _dump_pools() -> None:
    import gopool

    for pool in [thing for thing in gc.get_objects() if isinstance(thing, gopool.Pool)]:
        print(f"\n{pool!r}", file=sys.stderr)
        try:
            # Not by its dump(), which a pool that is being terminated refuses.
            print("\n\n".join(pool._supervisor.dump()), file=sys.stderr, flush=True)
        except Exception:
            traceback.print_exc()
