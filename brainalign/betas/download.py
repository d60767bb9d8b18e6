"""Download that goes on where it stopped: what has arrived stays in a ``.part`` file beside the target."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

Progress = Callable[[int, int | None], None]
_CHUNK_BYTES = 1 << 16
_PARTIAL, _RANGE_NOT_SATISFIABLE = 206, 416


class IncompleteDownloadError(OSError):
    """The connection ended before the whole file had arrived."""


@dataclass(frozen=True)
class ResumingDownloader:
    """Downloader for pooch that continues a ``.part`` file by an HTTP range request.

    Attributes
    ----------
    part : Path
        Where the bytes are kept until all have arrived.
    timeout_s : float
        Longest wait for a connection, and for the next bytes.
    progress : callable, optional
        Called with the bytes that are there and the total, where the server says it.
    """

    part: Path
    timeout_s: float
    progress: Progress | None = None

    def __call__(self, url: str, output_file: str | Path, pooch: Any) -> None:
        """Download to `output_file` (pooch's protocol).

        Raises
        ------
        requests.RequestException
            The server cannot be reached or refuses.
        IncompleteDownloadError
            Bytes are missing; the next call goes on from there.
        """
        self.part.parent.mkdir(parents=True, exist_ok=True)
        if not self._transfer(url):
            # What is kept is not a beginning of what the server has now.
            self.part.unlink()
            self._transfer(url)
        os.replace(self.part, output_file)

    def _transfer(self, url: str) -> bool:
        """Fetch what is missing; False if the server has nothing to follow what is kept."""
        n_kept = self.part.stat().st_size if self.part.is_file() else 0
        headers = {"Accept-Encoding": "identity"}
        if n_kept:
            headers["Range"] = f"bytes={n_kept}-"
        limits = (self.timeout_s, self.timeout_s)
        with requests.get(url, headers=headers, stream=True, timeout=limits) as response:
            if n_kept and response.status_code == _RANGE_NOT_SATISFIABLE:
                return response.headers.get("Content-Range", "").rpartition("/")[2] == str(n_kept)
            response.raise_for_status()
            # A server that knows no ranges sends the whole file again.
            n_before = n_kept if response.status_code == _PARTIAL else 0
            length = response.headers.get("Content-Length")
            total = n_before + int(length) if length is not None else None
            self._write(response, n_before, total)
        return True

    def _write(self, response: requests.Response, n_bytes: int, total: int | None) -> None:
        with self.part.open("ab" if n_bytes else "wb") as handle:
            for chunk in response.iter_content(_CHUNK_BYTES):
                handle.write(chunk)
                n_bytes += len(chunk)
                if self.progress is not None:
                    self.progress(n_bytes, total)
        if total is not None and n_bytes != total:
            raise IncompleteDownloadError(f"{n_bytes} of {total} bytes")
