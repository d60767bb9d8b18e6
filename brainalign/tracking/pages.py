"""Where a trial's run stands in the MLflow UI."""

from brainalign.tracking.address import connected
from brainalign.tracking.spelling import PLACE


def run_page(uri: str, study: str, place: str) -> str | None:
    """Give the address of a trial's run in the UI of a tracking server; None where the server has no such run.

    Parameters
    ----------
    uri : str
        Of the server, such as ``http://127.0.0.1:5000``.
    study : str
    place : str
        As :attr:`brainalign.artifacts.TrialRow.place` spells it.

    Raises
    ------
    StudyError
        The server cannot be reached.
    """
    with connected(uri) as client:
        experiment = client.get_experiment_by_name(study)
        if experiment is None:
            return None
        quoted = place.replace("'", "''")
        runs = client.search_runs([experiment.experiment_id], f"tags.`{PLACE}` = '{quoted}'", max_results=1)
    return f"{uri.rstrip('/')}/#/experiments/{experiment.experiment_id}/runs/{runs[0].info.run_id}" if runs else None
