"""What the Go package does, in Python."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

LINE = re.compile(
    r'(?P<host>[^ ]+) [^ ]+ (?P<user>[^ ]+) \[(?P<time>[^]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r'(?P<status>\d+) (?P<bytes>\d+|-) "(?P<referer>(?:[^"\\]|\\.)*)" '
    r'"(?P<agent>(?:[^"\\]|\\.)*)" (?P<took>\d+)',
    re.ASCII,
)

#: What a time.Time is that nobody has set.
NO_TIME = datetime.min.replace(tzinfo=timezone.utc)


@dataclass
class Entry:
    host: str = ""
    user: str = ""
    time: datetime = NO_TIME
    method: str = ""
    path: str = ""
    protocol: str = ""
    status: int = 0
    bytes: int = 0
    referer: str = ""
    agent: str = ""
    took: timedelta = timedelta()


@dataclass
class Traffic:
    requests: int = 0
    bytes: int = 0


@dataclass
class Summary:
    requests: int = 0
    malformed: int = 0
    bytes: int = 0
    first: datetime = NO_TIME
    last: datetime = NO_TIME
    slowest: Entry = field(default_factory=Entry)
    statuses: dict[int, Traffic] = field(default_factory=dict)
    paths: dict[str, Traffic] = field(default_factory=dict)


def parse(lines: bytes) -> list[Entry]:
    """Return the entries of whole lines of a log."""
    entries = []
    for number, line in enumerate(split(lines), 1):
        try:
            entries.append(parse_line(line))
        except ValueError:
            text = f"line {number} is not in the combined log format: {line!r}"
            raise ValueError(text) from None
    return entries


def summarize(lines: bytes) -> Summary:
    """Parse whole lines of a log and sum them up."""
    summary = Summary()
    for line in split(lines):
        try:
            entry = parse_line(line)
        except ValueError:
            summary.malformed += 1
            continue
        if summary.requests == 0 or entry.time < summary.first:
            summary.first = entry.time
        if summary.requests == 0 or entry.time > summary.last:
            summary.last = entry.time
        if summary.requests == 0 or entry.took > summary.slowest.took:
            summary.slowest = entry
        summary.requests += 1
        summary.bytes += entry.bytes
        for traffic in (
            summary.statuses.setdefault(entry.status, Traffic()),
            summary.paths.setdefault(entry.path.partition("?")[0], Traffic()),
        ):
            traffic.requests += 1
            traffic.bytes += entry.bytes
    return summary


def split(lines: bytes) -> list[str]:
    text = lines.decode(errors="surrogateescape")
    return text.removesuffix("\n").split("\n") if text else []


def parse_line(line: str) -> Entry:
    match = LINE.fullmatch(line)
    if match is None:
        raise ValueError("not a line of the combined log format")
    host, user, time, request, status, size, referer, agent, took = match.groups()
    method, path, protocol = split_request(value(request))
    return Entry(
        host,
        value(user),
        datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z"),
        method,
        path,
        protocol,
        int(status),
        int(value(size) or 0),
        value(referer),
        value(agent),
        timedelta(microseconds=int(took)),
    )


def split_request(request: str) -> tuple[str, str, str]:
    words = request.split(" ")
    return (words[0], words[1], words[2]) if len(words) == 3 else ("", request, "")


def value(text: str) -> str:
    return "" if text == "-" else text
