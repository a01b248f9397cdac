"""joblib's own tests of `Parallel`, with gopool's backend in the place of loky's.

Nothing is copied from joblib: its installed module is read, and run from a directory of its own
with one name for another. As a program, this runs all of them, which takes minutes:

    python joblib_suite.py
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

MODULE = "joblib.test.test_parallel"

EXCUSED = {
    "test_backend_context_manager": "expects the default backend to be of loky's class",
    "test_nested_parallel_warnings[gopool-gopool": "loky's workers may start processes",
    "test_parallel_with_interactively_defined_functions": "its program does not register gopool",
    "test_parallel_with_unpicklable_functions_in_args": "its program does not register gopool",
    "test_auto_memmap_on_arrays_from_generator": "expects arrays to be mapped from files",
    "test_memmapping_leaks": "expects arrays to be mapped from files",
    "test_multiple_generator_call_separated_gc": "expects an error of loky's, where calls share "
    "the workers that an abandoned one ends",
}
"""Tests of what is loky's own, by how their names begin."""


def is_installed() -> bool:
    """Tell whether joblib came with its tests."""
    try:
        return importlib.util.find_spec(MODULE) is not None
    except ImportError:
        return False


def source() -> str:
    """Return the tests, in which each backend that was named loky is named gopool."""
    spec = importlib.util.find_spec(MODULE)
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text()
    assert '["multiprocessing", "loky"]' in text
    text = text.replace('["multiprocessing", "loky"]', '["loky"]').replace('"loky"', '"gopool"')
    return f"import gopool\ngopool.register_joblib()\n{text}"


def run(directory: Path, tests: str, time_limit: float) -> dict[str, str]:
    """Run those of the tests that `pytest -k` selects; return how each ended.

    Those that are excused may end as they like.
    """
    (directory / "test_with_another_backend.py").write_text(source())
    report = directory / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", "-k", tests]
    command += [
        "-p",
        "no:cacheprovider",
        "-W",
        "ignore",
        "--timeout=60",
        "--rootdir",
        str(directory),
    ]
    finished = subprocess.run(
        command, cwd=directory, timeout=time_limit, capture_output=True, text=True, check=False
    )
    assert report.exists(), finished.stdout + finished.stderr
    return {case.attrib["name"]: _outcome(case) for case in ET.parse(report).iter("testcase")}


def _outcome(case: ET.Element) -> str:
    outcome = next((child.tag for child in case if child.tag in _NOT_PASSED), "passed")
    if outcome != "passed" and case.attrib["name"].startswith(tuple(EXCUSED)):
        return "excused"
    return outcome


_NOT_PASSED = ("failure", "error", "skipped")


def main() -> None:
    """Run all tests that name the backend, and say how they ended."""
    with tempfile.TemporaryDirectory() as directory:
        outcomes = run(Path(directory), "gopool", 900)
    for name, outcome in sorted(outcomes.items()):
        print(f"{outcome:8} {name}")
    print(dict(Counter(outcomes.values())))
    sys.exit(not set(outcomes.values()) <= {"passed", "skipped", "excused"})


if __name__ == "__main__":
    main()
