"""What a reader needs to know about the machine to judge the figures."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import platform
import shutil
import subprocess
from pathlib import Path

from poolbench.libraries import PEERS

# concurrent.futures has the version of Python.
PACKAGES = [peer for peer in PEERS if peer != "concurrent.futures"]


def describe() -> dict[str, str]:
    """Describe machine and versions, as pairs of a heading and a text."""
    return {
        "processor": f"{_processor()}, {_cores()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "start method": multiprocessing.get_context().get_start_method() or "unknown",
        "go": _go_version(),
        "gopool": package_version("gopool") or "not installed",
        "peers": ", ".join(f"{name} {package_version(name) or 'missing'}" for name in PACKAGES),
        "load before": ", ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def package_version(name: str) -> str | None:
    """Return the version of an installed distribution, or ``None``."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _cores() -> str:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{usable} of {os.cpu_count()} cores usable"


def _go_version() -> str:
    go = shutil.which("go")
    if go is None:
        return "not on PATH"
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"
