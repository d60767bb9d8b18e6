"""Start the dashboard's server as a process of its own, on loopback unless told otherwise."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from brainalign.artifacts import Store
from brainalign.errors import InputError, StudyError

LOOPBACK = "127.0.0.1"
APP = Path(__file__).with_name("app.py")
NEEDED = ("streamlit", "duckdb")


@dataclass(frozen=True)
class Dashboard:
    """A running dashboard: its address, and the server's process."""

    url: str
    process: "subprocess.Popen[bytes]"

    def wait(self) -> None:
        """Wait until the server ends."""
        self.process.wait()

    def stop(self) -> None:
        """End the server."""
        if self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def serve(
    store: Store,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    mlflow: str | None = None,
    log: Path | None = None,
    timeout_s: float = 60,
) -> Dashboard:
    """Serve the dashboard of a store, which is only ever read.

    Parameters
    ----------
    store : Store
    host : str
        Address to listen on. Whoever reaches another than loopback reads the store; there is no password.
    port : int
        0 takes a free one.
    mlflow : str, optional
        Address of the tracking server whose UI trials are linked to; by default ``MLFLOW_TRACKING_URI``.
    log : Path, optional
        Where the server's words go; by default nowhere.
    timeout_s : float
        Longest wait for its first answer, in s.

    Raises
    ------
    InputError
        Streamlit or DuckDB are not installed, or the store is no folder.
    StudyError
        The server does not answer.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"expected streamlit and duckdb, found no {missing[0]}: pip install 'brainalign[dashboard]'")
    if not store.root.is_dir():
        raise InputError(f"expected a store in {store.root}, found no folder: run a study, or name its --store")
    port = port or _free_port(host)
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.address", host, "--server.port", str(port)]
    command += ["--server.headless", "true", "--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"]
    command += ["--client.toolbarMode", "viewer", "--theme.base", "light", "--theme.primaryColor", "#0072B2"]
    environment = {**os.environ, "BRAINALIGN_STORE": str(store.root)}
    environment |= {"MLFLOW_TRACKING_URI": mlflow} if mlflow else {}
    with (log or Path(os.devnull)).open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    served = Dashboard(f"http://{LOOPBACK if host in ('0.0.0.0', '::') else host}:{port}", process)
    if not _answers(served.url, process, timeout_s):
        served.stop()
        raise StudyError(f"expected the dashboard to answer on {served.url}, found nothing: is the port taken?")
    return served


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _answers(url: str, process: "subprocess.Popen[bytes]", timeout_s: float) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows nothing of our loopback
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and process.poll() is None:
        try:
            with opener.open(f"{url}/_stcore/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.2)
    return False
