"""Start the dashboard's server as a process of its own, on loopback unless told otherwise."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from brainalign.artifacts import Store
from brainalign.errors import InputError, StudyError
from brainalign.servers import LOOPBACK, Server, free_port

APP = Path(__file__).with_name("app.py")
NEEDED = ("streamlit", "duckdb")


def serve(
    store: Store,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    mlflow: str | None = None,
    log: Path | None = None,
    timeout_s: float = 60,
) -> Server:
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
    port = port or free_port(host)
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.address", host, "--server.port", str(port)]
    command += ["--server.headless", "true", "--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"]
    command += ["--client.toolbarMode", "viewer", "--theme.base", "light", "--theme.primaryColor", "#0072B2"]
    environment = {**os.environ, "BRAINALIGN_STORE": str(store.root)}
    environment |= {"MLFLOW_TRACKING_URI": mlflow} if mlflow else {}
    url = f"http://{LOOPBACK if host in ('0.0.0.0', '::') else host}:{port}"
    served = Server.start(url, command, environment, log or Path(os.devnull))
    if not served.answers(f"{url}/_stcore/health", timeout_s):
        raise StudyError(f"expected the dashboard to answer on {url}, found nothing: is the port taken?")
    return served
