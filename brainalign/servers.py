"""A web server as a process of its own, which is waited for until it answers."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """An address, and the process of ours that serves it (None where another's server does)."""

    url: str
    process: "subprocess.Popen[bytes] | None" = None

    @classmethod
    def start(cls, url: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Self:
        """Start a server in a session of its own, its words in `log`."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=dict(environment), start_new_session=True
            )
        return cls(url, process)

    def answers(self, health: str, timeout_s: float) -> bool:
        """Wait until an address of it answers; False where it ends or the time is over. Nothing of it is left then."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows nothing of our loopback
        end = time.monotonic() + timeout_s
        while time.monotonic() < end and self.process is not None and self.process.poll() is None:
            try:
                with opener.open(health, timeout=2) as answer:
                    if answer.status == 200:
                        return True
            except OSError:
                pass
            time.sleep(0.2)
        self.stop()
        return False

    def wait(self) -> None:
        """Wait until the server ends."""
        if self.process is not None:
            self.process.wait()

    def stop(self) -> None:
        """End the server and what it started."""
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def free_port(host: str = LOOPBACK) -> int:
    """Port of an address on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
