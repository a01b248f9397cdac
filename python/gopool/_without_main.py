"""Workers that do not run the program: started by spawn, and without its `__main__`.

Where programs are not written for spawn (no guard around what starts processes), a
worker that runs them again would start processes itself. What such a worker needs of
`__main__` is sent by value instead.
"""

from __future__ import annotations

import threading
from multiprocessing import context, spawn
from typing import Any

_lock = threading.Lock()


class _Process(context.SpawnProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with _lock:
            standard = spawn.get_preparation_data
            starter: int | None = threading.get_ident()

            def without_main(name: str) -> dict[str, Any]:
                data = standard(name)
                if threading.get_ident() == starter:  # others may start processes of their own
                    data.pop("init_main_from_name", None)
                    data.pop("init_main_from_path", None)
                    data["start_method"] = "spawn"  # the default here may be known here alone
                return data

            spawn.get_preparation_data = without_main
            try:
                return context.SpawnProcess._Popen(process_obj)
            finally:
                starter = None
                if spawn.get_preparation_data is without_main:
                    spawn.get_preparation_data = standard


class WithoutMainContext(context.SpawnContext):
    """`multiprocessing.get_context("spawn")`, but workers have nothing of `__main__`."""

    runs_main = False
    Process = _Process
