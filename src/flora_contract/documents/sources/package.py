"""The files of an npm package: a folder, an archive of `npm pack`, or a version to be fetched."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from flora_contract.errors import InputError

VENDOR: Final = "@flora-ai/flora"
"""The vendor's SDK on npm."""

_READ: Final = (".d.ts", ".mjs", ".js", "package.json")
_MOST_BYTES: Final = 50_000_000


def package_files(path: Path) -> dict[str, bytes]:
    """The declarations and scripts of a package, by their path in it. Raises InputError."""
    try:
        if path.is_dir():
            found = {
                file.relative_to(path).as_posix(): file.read_bytes()
                for file in sorted(path.rglob("*"))
                if file.is_file() and file.name.endswith(_READ) and "node_modules" not in file.parts
            }
        else:
            found = _archived(path.read_bytes())
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if "package.json" not in found:
        raise InputError(f"{path}: no npm package: it has no package.json")
    return found


def _archived(data: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            name = member.name.partition("/")[2]
            if member.isfile() and name.endswith(_READ) and member.size < _MOST_BYTES:
                content = archive.extractfile(member)
                assert content is not None
                found[name] = content.read()
    return found


def fetched(version: str, package: str = VENDOR) -> dict[str, bytes]:
    """The files of a version, as npm fetches it. Raises InputError."""
    npm = shutil.which("npm")
    if npm is None:
        raise InputError("npm is not installed; give the package as a folder or an archive")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603 - the package and version that the user named
            [npm, "pack", "--silent", "--", f"{package}@{version}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            reason = (done.stderr or done.stdout).strip().split("\n")[0] or "npm says nothing"
            raise InputError(f"{package}@{version}: npm cannot fetch it: {reason}")
        return package_files(archives[0])
