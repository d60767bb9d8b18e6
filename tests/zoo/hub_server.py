"""A hub on loopback: the few requests that a fetch makes, answered from a folder, with faults on demand."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlparse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "acme/tiny"


@dataclass
class Hub:
    """What the server serves and how it misbehaves."""

    folder: Path
    token: str | None = None
    cut_after: int | None = None
    is_down: bool = False
    damage: str | None = None
    address: str = ""
    ranges: list[tuple[str, int]] = field(default_factory=list)

    def content(self, name: str) -> bytes:
        """Bytes of a file."""
        return (self.folder / name).read_bytes()

    def described(self) -> dict[str, Any]:
        """What the API says of the repository."""
        siblings = []
        for path in sorted(self.folder.iterdir()):
            data = path.read_bytes()
            blob = hashlib.sha1(data).hexdigest()
            row: dict[str, Any] = {"rfilename": path.name, "size": len(data), "blobId": blob}
            if path.suffix == ".safetensors":
                row["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
            siblings.append(row)
        return {"id": REPOSITORY, "modelId": REPOSITORY, "sha": COMMIT, "siblings": siblings, "tags": []}

    def tree(self) -> list[dict[str, Any]]:
        """Files as the tree endpoint lists them."""
        rows = []
        for row in self.described()["siblings"]:
            lfs = {"oid": row["lfs"]["sha256"], "size": row["size"], "pointerSize": 134} if "lfs" in row else None
            entry = {"type": "file", "path": row["rfilename"], "size": row["size"], "oid": row["blobId"]}
            rows.append({**entry, "lfs": lfs} if lfs else entry)
        return rows


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve a hub while the context is open."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            path = urlparse(self.path).path
            if hub.is_down:
                self._send(503, b"{}", {})
                return
            if hub.token is not None and self.headers.get("Authorization") != f"Bearer {hub.token}":
                self._send(401, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"})
                return
            api = re.fullmatch(rf"/api/models/{REPOSITORY}/(revision|tree)/([^/]+)", path)
            file = re.fullmatch(rf"/{REPOSITORY}/resolve/([^/]+)/(.+)", path)
            if not api and not file:
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            elif (api and api[2] not in ("main", COMMIT)) or (file and file[1] not in ("main", COMMIT)):
                self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            elif api:
                self._send(200, json.dumps(hub.described() if api[1] == "revision" else hub.tree()).encode(), {})
            elif file:
                self._file(file[2], with_body=with_body)

        def _file(self, name: str, *, with_body: bool) -> None:
            data = hub.content(name)
            (row,) = [row for row in hub.described()["siblings"] if row["rfilename"] == name]
            etag = row["lfs"]["sha256"] if "lfs" in row else row["blobId"]
            headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
            if "lfs" in row:
                headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(data))}
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
            start = int(asked[1]) if asked else 0
            if with_body:
                hub.ranges.append((name, start))
            if hub.damage == name:
                data = data[:-8] + bytes(8)
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self._send(206 if start else 200, data[start:], headers, with_body=with_body)

        def _send(self, status: int, body: bytes, headers: dict[str, str], *, with_body: bool = True) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if not with_body or self.command == "HEAD":
                return
            if hub.cut_after is not None and len(body) > hub.cut_after:
                self.wfile.write(body[: hub.cut_after])
                self.close_connection = True
                hub.is_down = True
                return
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
