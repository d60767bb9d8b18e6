"""A log over a connection that breaks, from a server that speaks the Jobs API's protocol."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import ray
from aiohttp import web
from ray.job_submission import JobDetails, JobStatus, JobType

from brainalign.errors import ClusterError
from brainalign.launch import follow

from .heads import free_port

LINES = [f"line {number}\n" for number in range(6)]


@dataclass
class BreakingServer:
    """Cuts the log's connection after so many lines, once for each entry of `cuts`."""

    port: int
    cuts: list[int]
    status: JobStatus = JobStatus.SUCCEEDED
    exit_code: int | None = 0
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    listens: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def version(self, request: web.Request) -> web.Response:
        return web.json_response({"ray_version": ray.__version__})

    async def job(self, request: web.Request) -> web.Response:
        details = JobDetails(
            type=JobType.SUBMISSION,
            submission_id="job",
            status=JobStatus.RUNNING if self.cuts else self.status,
            entrypoint="",
            message="no node has the package",
            driver_exit_code=self.exit_code,
        )
        return web.json_response(details.dict())

    async def tail(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        n_lines = self.cuts.pop(0) if self.cuts else len(LINES)
        for line in LINES[:n_lines]:
            await socket.send_str(line)
        if n_lines < len(LINES) and request.transport is not None:
            await asyncio.sleep(0.1)
            request.transport.abort()  # without the closing handshake, as a network does
        return socket

    def serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        app = web.Application()
        app.router.add_get("/api/version", self.version)
        app.router.add_get("/api/jobs/job", self.job)
        app.router.add_get("/api/jobs/job/logs/tail", self.tail)
        runner = web.AppRunner(app)
        self.loop.run_until_complete(runner.setup())
        self.loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", self.port).start())
        self.listens.set()
        self.loop.run_forever()
        self.loop.run_until_complete(runner.cleanup())
        self.loop.close()


@pytest.fixture
def server() -> Iterator[BreakingServer]:
    server = BreakingServer(free_port(), [2, 0, 4])
    thread = threading.Thread(target=server.serve)
    thread.start()
    assert server.listens.wait(30)
    yield server
    server.loop.call_soon_threadsafe(server.loop.stop)
    thread.join()


@pytest.mark.parametrize(
    ("status", "exit_code", "expected"),
    [
        (JobStatus.SUCCEEDED, 0, 0),
        (JobStatus.FAILED, 7, 7),
        (JobStatus.FAILED, -9, 137),
        (JobStatus.STOPPED, None, 130),
    ],
)
def test_each_line_is_shown_once(
    server: BreakingServer, status: JobStatus, exit_code: int | None, expected: int
) -> None:
    server.status, server.exit_code = status, exit_code
    pieces: list[Any] = []
    assert follow(server.address, "job", pieces.append) == expected
    assert pieces == LINES


def test_a_job_that_never_ran_says_why(server: BreakingServer) -> None:
    server.status, server.exit_code, server.cuts = JobStatus.FAILED, None, []
    with pytest.raises(ClusterError, match="could not start it: no node has the package"):
        follow(server.address, "job", print)
