"""A wheel of a generated package: a zip file with the package and three files about it."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import sysconfig
import zipfile
from pathlib import Path

from gopool import __version__

VERSION = "0.0.0"

# The first time that a zip file can say: the same package makes the same wheel.
_TIME = (1980, 1, 1, 0, 0, 0)


def write(built: Path, name: str, directory: Path) -> Path:
    """Write the wheel of the package in built to a directory, and return its path."""
    distribution = f"{re.sub(r'[-_.]+', '_', name).lower()}-{VERSION}"
    info = f"{distribution}.dist-info"
    files = {f"{name}/{file.name}": file.read_bytes() for file in sorted(built.iterdir())}
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n"
        f"Requires-Dist: gopool[go] >={__version__}\n"
    ).encode()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: gopool {__version__}\nRoot-Is-Purelib: false\n"
        f"Tag: {_tag()}\n"
    ).encode()
    record = "".join(_line(path, content) for path, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    directory.mkdir(parents=True, exist_ok=True)
    wheel = directory / f"{distribution}-{_tag()}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            member = zipfile.ZipInfo(path, _TIME)
            member.external_attr = (0o755 if path.endswith(".so") else 0o644) << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return wheel


def _tag() -> str:
    """Return which Python and which machine the extension is for."""
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    abi = str(sysconfig.get_config_var("SOABI")).split("-")[1]  # 313, or 313t without the GIL
    platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
    return f"{python}-cp{abi}-{platform}"


def _line(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}\n"
