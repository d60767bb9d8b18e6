"""A Ray cluster's dashboard: the Jobs API and the packages beside it, with the token, and failures in one line."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from ray.exceptions import AuthenticationError
from ray.job_submission import JobSubmissionClient

from brainalign.errors import ClusterError

# The client notes the end of each log on standard error.
logging.getLogger("ray.dashboard.modules.job.sdk").setLevel(logging.WARNING)

_TOKEN_FILE = Path("~/.ray/auth_token")
_TIMEOUT_S = (10, 600)  # to connect, to answer: an upload of a large package takes its time
# Ray lets these win over the address that a caller names; a command line must not.
_OVERRIDES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")


def find_token(token: str | None = None) -> str | None:
    """Find the cluster's token: the argument, ``RAY_AUTH_TOKEN``, ``RAY_AUTH_TOKEN_PATH``, ``~/.ray/auth_token``.

    Returns
    -------
    str or None
        None where there is none, or where ``RAY_AUTH_MODE=disabled`` opts out.

    Raises
    ------
    ClusterError
        ``RAY_AUTH_TOKEN_PATH`` names a file that cannot be read.
    """
    if token:
        return token.strip()
    if os.environ.get("RAY_AUTH_MODE", "").lower() == "disabled":
        return None
    if named := os.environ.get("RAY_AUTH_TOKEN"):
        return named.strip()
    path = os.environ.get("RAY_AUTH_TOKEN_PATH")
    file = Path(path) if path else _TOKEN_FILE.expanduser()
    if not path and not file.is_file():
        return None
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except OSError as error:
        raise ClusterError(
            f"expected the cluster's token in {file}, found {error.strerror}: "
            "mend RAY_AUTH_TOKEN_PATH, or set RAY_AUTH_TOKEN"
        ) from error


@dataclass(frozen=True)
class Cluster:
    """A reachable cluster: its dashboard's address, Ray's client of the Jobs API, and the token's header."""

    address: str
    client: JobSubmissionClient
    headers: dict[str, str]

    def has_package(self, name: str) -> bool:
        """Whether the cluster holds a package; asking also keeps it there for some minutes."""
        answer = self._request("GET", name)
        if answer.status_code == 404:
            return False
        self._expect_ok(answer, name)
        return True

    def put_package(self, name: str, content: bytes) -> None:
        """Send a package."""
        self._expect_ok(self._request("PUT", name, content), name)

    def _request(self, method: str, name: str, content: bytes | None = None) -> requests.Response:
        url = f"{self.address}/api/packages/gcs/{name}"
        with explained(self.address):
            return requests.request(method, url, data=content, headers=self.headers, timeout=_TIMEOUT_S)

    def _expect_ok(self, answer: requests.Response, name: str) -> None:
        if answer.status_code != 200:
            said = " ".join(answer.text.split())[-200:]
            raise ClusterError(f"expected {self.address} to take package {name}, found {answer.status_code}: {said}")


def connect(address: str, token: str | None = None) -> Cluster:
    """Reach a cluster.

    Parameters
    ----------
    address : str
        Of the head's dashboard, such as ``http://127.0.0.1:8265``.
    token : str, optional
        See :func:`find_token`.

    Raises
    ------
    ClusterError
        Nothing answers there, or it wants another token.
    """
    address = address if "://" in address else f"http://{address}"
    if not address.startswith(("http://", "https://")):
        raise ClusterError(
            f"expected the dashboard's address such as http://127.0.0.1:8265, found {address}: "
            "`ray start` and `ray status` print it on the head"
        )
    address = address.rstrip("/")
    found = find_token(token)
    headers = {"Authorization": f"Bearer {found}"} if found else {}
    with explained(address), _address_first(address):
        return Cluster(address, JobSubmissionClient(address, headers=dict(headers)), headers)


@contextmanager
def explained(address: str) -> Iterator[None]:
    """Turn what goes wrong between here and a cluster into one line with the way out.

    Raises
    ------
    ClusterError
        For every failure of connection, token or request.
    """
    try:
        yield
    except AuthenticationError as error:
        # The second is Ray's own, before it asks the cluster, where RAY_AUTH_MODE=token stands in the environment.
        is_missing = any(words in str(error).lower() for words in ("required", "find an authentication token"))
        refused = "no token" if is_missing else "a token that it refuses"
        raise ClusterError(
            f"expected the token of the cluster at {address}, found {refused}: set RAY_AUTH_TOKEN or "
            "RAY_AUTH_TOKEN_PATH, or copy the head's ~/.ray/auth_token here (`ray get-auth-token` prints it there)"
        ) from error
    except (requests.RequestException, ConnectionError, TimeoutError) as error:
        raise ClusterError(
            f"expected a Ray head's dashboard at {address}, found nothing that answers ({type(error).__name__}): "
            "check the address and port, open a tunnel (ssh -L 8265:127.0.0.1:8265 HEAD), or start one "
            "(`ray start --head`)"
        ) from error
    except RuntimeError as error:
        raise ClusterError(f"the cluster at {address} refuses: {' '.join(str(error).split())[-400:]}") from error


@contextmanager
def _address_first(address: str) -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in _OVERRIDES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)
