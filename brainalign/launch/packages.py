"""Folders cut into content-addressed packages that a cluster's package store takes.

A tree of files is cut into segments; segments are put together to packages of at most `PACKAGE_BYTES`, named by what
they hold. What a cluster has already is not sent again, whichever study, folder or model it was part of.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainalign.artifacts import hash_json
from brainalign.errors import InputError
from brainalign.launch.blobs import BLOB_PREFIX
from brainalign.launch.cluster import Cluster

# A dashboard takes requests of up to 100 MiB; a zip has some overhead.
PACKAGE_BYTES = 64 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Segment:
    """A stretch of a file, in bytes, and its SHA-256."""

    path: Path
    offset: int
    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class Package:
    """Some segments under the name of their content."""

    segments: tuple[Segment, ...]

    @property
    def key(self) -> str:
        """Hash of what it holds: 32 hexadecimal digits."""
        return hash_json([[segment.n_bytes, segment.sha256] for segment in self.segments])

    @property
    def name(self) -> str:
        """Name in the cluster's package store."""
        return f"{BLOB_PREFIX}{self.key}.zip"

    @property
    def n_bytes(self) -> int:
        """Bytes of its segments."""
        return sum(segment.n_bytes for segment in self.segments)

    def build(self) -> bytes:
        """Zip it; the same content gives the same bytes.

        Raises
        ------
        InputError
            A file has changed since it was hashed.
        """
        members = {}
        for index, segment in enumerate(self.segments):
            with segment.path.open("rb") as handle:
                handle.seek(segment.offset)
                content = handle.read(segment.n_bytes)
            if hashlib.sha256(content).hexdigest() != segment.sha256:
                raise InputError(
                    f"expected {segment.path} to stay as it was, found it changed while sending: submit again"
                )
            members[f"{BLOB_PREFIX}{self.key}/{index}"] = content
        return zip_members(members, zipfile.ZIP_STORED)


@dataclass(frozen=True)
class Tree:
    """A folder for the cluster: the packages that carry it, and how its files are put together from them."""

    name: str
    packages: tuple[Package, ...]
    files: tuple[Mapping[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """Spell what the cluster needs to make the folder again; see :mod:`brainalign.launch.blobs`."""
        return {"name": self.name, "key": hash_json(list(self.files)), "files": list(self.files)}


def cut(name: str, sources: Mapping[str, Path], *, package_bytes: int = PACKAGE_BYTES) -> Tree:
    """Cut files into packages.

    Parameters
    ----------
    name : str
        What the folder is for: ``"betas"``, ``"modules"``, …
    sources : mapping
        Files by their path inside the folder ("/" between the parts).
    package_bytes : int
        Largest package, in bytes.

    Returns
    -------
    Tree
    """
    open_segments: list[Segment] = []
    packages: list[Package] = []
    files: list[tuple[str, str, list[tuple[int, int]]]] = []
    for target, path in sorted(sources.items()):
        whole, places = hashlib.sha256(), []
        for segment in _segments(path, package_bytes, whole):
            if sum(other.n_bytes for other in open_segments) + segment.n_bytes > package_bytes:
                packages.append(Package(tuple(open_segments)))
                open_segments = []
            places.append((len(packages), len(open_segments)))
            open_segments.append(segment)
        files.append((target, whole.hexdigest(), places))
    if open_segments:
        packages.append(Package(tuple(open_segments)))
    keys = [package.key for package in packages]
    spelled = tuple(
        {"path": target, "sha256": sha256, "segments": [[keys[package], index] for package, index in places]}
        for target, sha256, places in files
    )
    return Tree(name, tuple(packages), spelled)


def _segments(path: Path, package_bytes: int, whole: "hashlib._Hash") -> Iterator[Segment]:
    offset = 0
    with path.open("rb") as handle:
        while True:
            digest, n_bytes = hashlib.sha256(), 0
            while n_bytes < package_bytes and (chunk := handle.read(min(_CHUNK, package_bytes - n_bytes))):
                digest.update(chunk)
                whole.update(chunk)
                n_bytes += len(chunk)
            if n_bytes == 0:
                return
            yield Segment(path, offset, n_bytes, digest.hexdigest())
            offset += n_bytes


def zip_members(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Zip named contents so that the same contents give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in sorted(members.items()):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = 0o644 << 16
            member.compress_type = compression
            archive.writestr(member, content)
    return buffer.getvalue()


@dataclass
class Sent:
    """Bytes and packages that went to a cluster, and those that it had already."""

    n_sent: int = 0
    bytes_sent: int = 0
    n_skipped: int = 0
    bytes_skipped: int = 0

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.n_sent} packages sent ({self.bytes_sent / 1e6:.1f} MB), "
            f"{self.n_skipped} already there ({self.bytes_skipped / 1e6:.1f} MB)"
        )


def send(cluster: Cluster, name: str, n_bytes: int, build: Callable[[], bytes], sent: Sent) -> str:
    """Send a package where the cluster does not have it; gives its URI."""
    if cluster.has_package(name):
        sent.n_skipped += 1
        sent.bytes_skipped += n_bytes
    else:
        content = build()
        cluster.put_package(name, content)
        sent.n_sent += 1
        sent.bytes_sent += len(content)
    return f"gcs://{name}"
