"""A Ray head of its own on loopback: own ports and folder, token authentication; ended by its process ids."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOKEN = "a-token-for-tests-0123456789abcdef"


@dataclass(frozen=True)
class Head:
    """Addresses of a running head."""

    dashboard: str
    folder: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_head(hidden: Path | None = None) -> Iterator[Head]:
    """Run a head; `hidden` is a folder that the head sees empty, as another machine would."""
    folder = Path(tempfile.mkdtemp(prefix="ba-", dir="/tmp"))  # Ray's socket paths have to be short
    ports = {name: free_port() for name in ("port", "dashboard-port", "dashboard-agent-listen-port")}
    command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=2"]
    command += ["--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", "--include-dashboard=true"]
    command += ["--object-store-memory=100000000", f"--temp-dir={folder / 'ray'}", "--disable-usage-stats"]
    command += [f"--{name}={number}" for name, number in ports.items()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "BRAINALIGN_"))}
    environment |= {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_worker_niceness": "0",
        "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
        "PYTHONPATH": str(Path(__file__).parent),  # toy_runner
        "BRAINALIGN_NODE_FOLDER": str(folder / "node"),
        "OMP_NUM_THREADS": "1",
    }
    if hidden is not None:
        script = 'mount -t tmpfs none "$0" && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", script, str(hidden), *command]
    with (folder / "head.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        dashboard = f"http://127.0.0.1:{ports['dashboard-port']}"
        _wait(dashboard, process, folder / "head.log")
        yield Head(dashboard, folder)
    finally:
        _end(process, folder)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(dashboard: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    request = urllib.request.Request(f"{dashboard}/api/jobs/", headers={"Authorization": f"Bearer {TOKEN}"})
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the head did not start: {log.read_text()[-2000:]}")


def _end(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    """End the processes whose command line names this head's folder, and no other Ray's."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)  # running jobs can hold it up for long
    except subprocess.TimeoutExpired:
        process.kill()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(folder).encode() in (entry / "cmdline").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue
