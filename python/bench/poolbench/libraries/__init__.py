"""The libraries under measurement, by name; one module for each way to be a pool.

A module here offers ``open_pool(processes, method)`` and, if its library has threads or executors,
``open_threads(threads)`` and ``open_executor(processes)``, or if joblib runs on it
``joblib_backend()``; for functions of Go packages ``open_goroutines(goroutines)``, and
``run_program(work, items, goroutines)`` where there is no pool. If a pool takes nothing beside a
map, ``NOT_SHARED`` says so. It is imported when its library is measured and not before, so that a
library costs nothing where another one is measured, and may be missing.
"""

from __future__ import annotations

from poolbench.libraries.library import Library

SUBJECT = "gopool"
REFERENCE = "multiprocessing"
CONTROL = "control"
FLOOR = "socketpair"
LIMIT = "raw limit"
COPYING = "memcpy"
PURE_GO = "pure Go"
EXECUTOR = "concurrent.futures"
JOBLIB = "joblib"

PEERS = ("concurrent.futures", "loky", "joblib", "mpire", "pebble", "billiard")
"""Measured beside the reference, in fewer rounds, and never judged."""

LIBRARIES = {
    library.name: library
    for library in [
        Library(SUBJECT, "poolbench.libraries.gopool_pool"),
        Library(REFERENCE, "poolbench.libraries.multiprocessing_pool"),
        # multiprocessing.Pool once more: measured in gopool's place (--subject control), it shows
        # how far from 1 a ratio gets by chance on this machine.
        Library(CONTROL, "poolbench.libraries.multiprocessing_pool"),
        # Not pools: the least that one call, a task among many, large payloads, and the functions
        # of Go packages can cost.
        Library(FLOOR, "poolbench.libraries.socketpair"),
        Library(LIMIT, "poolbench.libraries.raw_limit"),
        Library(COPYING, "poolbench.libraries.memcpy"),
        Library(PURE_GO, "poolbench.libraries.pure_go"),
        Library("concurrent.futures", "poolbench.libraries.concurrent_futures"),
        Library("loky", "poolbench.libraries.loky_executor"),
        Library(JOBLIB, "poolbench.libraries.joblib_parallel"),
        Library("mpire", "poolbench.libraries.mpire_pool"),
        Library("pebble", "poolbench.libraries.pebble_pool"),
        Library("billiard", "poolbench.libraries.billiard_pool"),
    ]
}
