"""The MLflow UI of a store, on loopback."""

import os
import sys
from urllib.parse import quote, urlencode

from brainalign.artifacts import Store
from brainalign.errors import StudyError
from brainalign.servers import LOOPBACK, Server, free_port
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


def serve(store: Store, study: str, *, port: int = 0, uri: str | None = None, timeout_s: float = 120) -> Server:
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
    Server
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
        return Server(address.rstrip("/") + page)
    port = port or free_port()
    log = store.root / "mlflow-server.log"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", address, "--workers", "1"]
    command += ["--artifacts-destination", str(store.root / "mlartifacts"), "--host", LOOPBACK, "--port", str(port)]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    root = f"http://{LOOPBACK}:{port}"
    served = Server.start(root + page, command, environment, log)
    if not served.answers(f"{root}/health", timeout_s):
        raise StudyError(f"expected the MLflow server to answer on port {port}, found nothing: see {log}")
    return served
