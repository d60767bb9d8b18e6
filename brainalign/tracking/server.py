"""The MLflow UI of a store, on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from brainalign.artifacts import Store
from brainalign.errors import StudyError
from brainalign.tracking.address import connected, tracking_uri
from brainalign.tracking.mirror import mirror

# The trials, best first, in MLflow's own charts; clearing the filter shows the parent runs with their summaries.
_COMPARISON = {
    "searchFilter": "tags.level = 'trial'",
    "orderByKey": "metrics.`objective`",
    "orderByAsc": "false",
    "compareRunsMode": "CHART",
    "workflowType": "machine_learning",
}


@dataclass(frozen=True)
class MlflowPage:
    """A study's comparison in the MLflow UI, and the server of ours behind it (None where another one serves)."""

    url: str
    process: "subprocess.Popen[bytes] | None" = None

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


def serve(store: Store, study: str, *, port: int = 0, uri: str | None = None, timeout_s: float = 120) -> MlflowPage:
    """Bring the mirror up to date and serve it on loopback.

    Parameters
    ----------
    store : Store
        The truth.
    study : str
        Name of the study.
    port : int
        Port on 127.0.0.1; 0 takes a free one.
    uri : str, optional
        Tracking URI; one that is a server's address already is only pointed to.
    timeout_s : float
        Longest wait for the server's first answer, in s.

    Returns
    -------
    MlflowPage
        The page that compares the study's runs; `stop` ends the server.

    Raises
    ------
    StudyError
        There is no such study, or the server does not answer.
    """
    address = tracking_uri(store, uri)
    mirror(store, study, uri=address)
    with connected(address) as client:
        experiment_id = client.get_experiment_by_name(study).experiment_id
    page = f"/#/experiments/{experiment_id}/runs?{urlencode(_COMPARISON, quote_via=quote)}"
    if address.startswith(("http://", "https://")):
        return MlflowPage(address.rstrip("/") + page)
    port = port or _free_port()
    log = store.root / "mlflow-server.log"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", address, "--workers", "1"]
    command += ["--artifacts-destination", str(store.root / "mlartifacts"), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    served = MlflowPage(f"http://127.0.0.1:{port}{page}", process)
    if not _answers(port, process, timeout_s):
        served.stop()
        raise StudyError(f"expected the MLflow server to answer on port {port}, found nothing: see {log}")
    return served


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, process: "subprocess.Popen[bytes]", timeout_s: float) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows nothing of our loopback
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and process.poll() is None:
        try:
            with opener.open(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.2)
    return False
