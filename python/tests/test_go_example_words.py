"""The example examples/go/words: its Go functions come to the same results as its twin."""

from __future__ import annotations

import dataclasses
import email
from pathlib import Path
from typing import Any

import pytest
from support.go_build import EXAMPLES, GoPackages, import_of_example

import gopool

pytestmark = pytest.mark.gopool_only("multiprocessing runs no Go functions")


@pytest.fixture(scope="session")
def words(go_packages: GoPackages) -> Any:
    package = go_packages.build(EXAMPLES / "go" / "words")
    package.Summarize(__file__, 5)  # Go's runtime opens what it keeps open for reading files
    return package


def test_words(words: Any, tmp_path: Path) -> None:
    twin = import_of_example("words", "twin")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "odd.rst").write_bytes(b"caf\xe9 CAF\xc3\x89s\r\nGetURLs of HTTPServers\rqueues")
    paths = [*twin.find_texts(tmp_path), *twin.find_texts(Path(email.__file__).parent)]
    with gopool.GoPool(2) as pool:
        ours = pool.starmap(words.Summarize, [(path, 5) for path in paths])
    theirs = [twin.summarize(path, 5) for path in paths]
    assert [*map(dataclasses.asdict, ours)] == [*map(dataclasses.asdict, theirs)]
    assert sum(summary.Words for summary in ours) > 10_000


def test_words_of_a_file_that_is_missing(words: Any, tmp_path: Path) -> None:
    with pytest.raises(gopool.GoError, match="no such file") as caught:
        words.Summarize(str(tmp_path / "missing"), 5)
    assert "*fs.PathError" in caught.value.names
