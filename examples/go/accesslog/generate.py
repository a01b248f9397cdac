"""Write the access log of an invented web server: always the same one for the same seed."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone

SECTIONS = ("", "blog/", "docs/guide/", "docs/reference/", "static/js/", "static/img/", "api/v2/")
WORDS = ("pool", "queue", "worker", "result", "chunk", "order", "signal", "memory", "thread")
PATHS = [f"/{section}{word}-{n}" for n in range(4) for section in SECTIONS for word in WORDS]
QUERIES = ("", "", "", "?page=2", "?utm_source=newsletter&utm_medium=mail", "?q=go+python")
REFERERS = ("-", "-", "https://example.org/", "https://search.example.com/?q=worker+pool")
USERS = ("-",) * 30 + ("anne", "bob")
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://example.com/bot.html)",
    "curl/8.5.0",
    r"a browser \"with quotes\" (like Gecko)",
)
NOT_HTTP = "not HTTP"
CUT_SHORT = "cut short"  # by a crash
# How many of a thousand lines: answers by status, and the others.
KINDS = {"200": 868, "206": 8, "301": 17, "304": 60, "403": 4, "404": 35, "500": 4, "503": 2}
KINDS |= {NOT_HTTP: 1, CUT_SHORT: 1}
START = datetime(2025, 10, 10, 13, 55, 36, tzinfo=timezone(timedelta(hours=2)))


def generate(lines: int, seed: int = 0) -> Iterator[str]:
    """Yield lines with their ends: about 200 bytes each, and five of them a second."""
    rng = random.Random(seed)
    popularity = [1 / rank for rank in range(1, len(PATHS) + 1)]  # as Zipf's law has it

    def draw(values: Sequence[str], weights: Iterable[float] | None = None) -> list[str]:
        return rng.choices(values, list(weights) if weights else None, k=lines)

    now = START
    for kind, path, query, user, referer, agent in zip(
        draw(list(KINDS), KINDS.values()),
        draw(PATHS, popularity),
        draw(QUERIES),
        draw(USERS),
        draw(REFERERS),
        draw(AGENTS),
        strict=True,
    ):
        now += timedelta(seconds=rng.expovariate(5))
        size = "-" if kind == "304" else int(rng.lognormvariate(8, 1.5))
        took = int(rng.lognormvariate(9, 1.2))
        host = f"192.0.2.{int(rng.paretovariate(0.5)) % 256}"
        begin = f"{host} - {user} [{now:%d/%b/%Y:%H:%M:%S %z}]"
        if kind == CUT_SHORT:
            yield f'{begin} "GET {path}\n'
        elif kind == NOT_HTTP:
            yield f'{begin} "\\x16\\x03\\x01" 400 226 "-" "-" {took}\n'
        else:
            request = f"GET {path}{query} HTTP/1.1"
            yield f'{begin} "{request}" {kind} {size} "{referer}" "{agent}" {took}\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.stdout.writelines(generate(options.lines, options.seed))


if __name__ == "__main__":
    main()
