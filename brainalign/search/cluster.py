"""Starting a local Ray, or joining a cluster."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray

from brainalign.errors import ClusterError

# Read by Ray and Tune when they start; a user's own choice stands.
_DEFAULTS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
# On a machine without accelerators nothing may look for a hub.
_WORKER_ENV = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


@contextmanager
def cluster(address: str | None, *, n_cpus: int | None = None, setup: str | None = None) -> Iterator[None]:
    """Use a running Ray (this process's, or the one at `address`), else a local one that ends with the block.

    Parameters
    ----------
    address : str or None
        ``"auto"`` or ``"host:port"``; None starts a local Ray.
    n_cpus : int, optional
        Cores of a local Ray; without it all of the machine's.
    setup : str, optional
        Dotted name of a function that every worker calls when it starts.

    Raises
    ------
    ClusterError
        There is no cluster at the address, or it refuses the token.
    """
    if address is not None and address.startswith("ray://"):
        raise ClusterError(f"expected auto or host:port, found {address}: Ray client is not supported; use `submit`")
    if ray.is_initialized():
        yield
        return
    if address is not None and address != "auto":
        _knock(address)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    # The driver says in one line what ails a trial; Tune would print a traceback for each.
    logging.getLogger("ray.tune.execution.tune_controller").setLevel(logging.CRITICAL)
    try:
        ray.init(
            address=address or "local",
            include_dashboard=False if address is None else None,
            logging_level="ERROR",
            log_to_driver=False,
            num_cpus=n_cpus,
            runtime_env={"env_vars": _WORKER_ENV} | ({"worker_process_setup_hook": setup} if setup else {}),
        )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        where = f"a Ray cluster at {address}" if address else "a local Ray to start"
        raise ClusterError(f"expected {where}, found: {' '.join(str(error).split())[:300]}") from error
    _guard_token()
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Refuse an address where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"expected a Ray cluster at {address}, found {error}: give host:port of its head, such as 10.0.0.1:6379"
        ) from error


def _guard_token() -> None:
    """Ray writes its token readable for everybody; make it the user's own."""
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    if token.is_file() and token.stat().st_uid == os.getuid():
        token.chmod(0o600)
