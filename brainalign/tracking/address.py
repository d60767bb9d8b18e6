"""Where a mirror is, and how MLflow is reached there: through an explicit client, with no global state."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brainalign.artifacts import Store
from brainalign.errors import StudyError

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # mlflow reads it when it is imported
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# A mirror can be rebuilt at any time: a server that is away must not hold a study up for the minutes of seven retries.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

for _name in ("mlflow.store.db.utils", "alembic.runtime.migration", "alembic.runtime.plugins"):
    logging.getLogger(_name).setLevel(
        logging.WARNING
    )  # making the schema logs some sixty lines into a progress display
# Two warnings a winner: that its inputs are tables of text, and that loading a model runs its code.
logging.getLogger("mlflow.pyfunc").setLevel(logging.ERROR)


def tracking_uri(store: Store, uri: str | None = None) -> str:
    """Where a store's mirror is: `uri`, else ``MLFLOW_TRACKING_URI``, else sqlite in the store's root."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store.root / 'mlflow.db'}"


@contextmanager
def connected(uri: str) -> Iterator[MlflowClient]:
    """Give a client of one tracking URI and turn MLflow's failures into one line with the way out.

    Raises
    ------
    StudyError
        MLflow cannot be reached or refuses.
    """
    try:
        if uri.startswith("sqlite:///"):
            _make_schema(Path(uri.removeprefix("sqlite:///")))
        yield MlflowClient(tracking_uri=uri)
    # OSError: a full or read-only disk under the artifacts; SQLAlchemyError: a database file that is none
    except (MlflowException, OSError, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0][:300]
        raise StudyError(
            f"expected to read and write MLflow at {uri}, found: {reason}; the results are safe in the store: "
            "mend it or set MLFLOW_TRACKING_URI, then `brainalign study verify` rebuilds the mirror"
        ) from error


def _make_schema(path: Path) -> None:
    """Make MLflow's database under another name and rename it: a process killed meanwhile leaves none, not a half."""
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if path.is_file():
            return
        whole = path.with_name(f".{path.name}.{os.getpid()}.part")
        whole.unlink(missing_ok=True)
        MlflowClient(tracking_uri=f"sqlite:///{whole}").search_experiments(max_results=1)
        os.replace(whole, path)
