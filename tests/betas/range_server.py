"""A local HTTP server that knows byte ranges and can break a transfer, for tests of the download."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What the server gives and what it was asked.

    Attributes
    ----------
    content : bytes
    break_after : int or None
        The next answer ends after so many bytes; then the server is well again.
    ranges : bool
        Whether byte ranges are honoured.
    status : int
        Other than 200: every answer is this error.
    requests : list of str
        The Range header of each request, empty where there was none.
    url : str
    """

    content: bytes
    break_after: int | None = None
    ranges: bool = True
    status: int = 200
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range", "")
        self.requests.append(asked)
        match = re.fullmatch(r"bytes=(\d+)-", asked) if self.ranges else None
        start, total = int(match[1]) if match else 0, len(self.content)
        if self.status != 200:
            handler.send_error(self.status)
            return
        if start >= total:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{total}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if match else 200)
        if match:
            handler.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        handler.send_header("Content-Length", str(total - start))
        handler.end_headers()
        end = total if self.break_after is None else start + self.break_after
        self.break_after = None
        handler.wfile.write(self.content[start:end])


@contextmanager
def serve(content: bytes) -> Iterator[Served]:
    """Serve bytes at an address of the loopback interface until the block ends."""
    served = Served(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_address[1]}/release.zip"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
