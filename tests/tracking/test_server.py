"""A real MLflow server in front of a mirrored study."""

import json
import urllib.request
from urllib.parse import parse_qsl

import pytest

from brainalign.artifacts import Store
from brainalign.errors import StudyError
from brainalign.tracking import count_runs, mirror, serve

from .studies import NAME, write_study


@pytest.mark.cluster
def test_the_page_answers_and_the_server_takes_mirrors_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write_study(store)
    page = serve(store, NAME)
    try:
        address, fragment = page.url.split("/#/")
        path, query = fragment.split("?")
        assert path == "experiments/1/runs"
        asked = dict(parse_qsl(query))
        assert asked["compareRunsMode"] == "CHART"
        request = urllib.request.Request(
            f"{address}/api/2.0/mlflow/runs/search",
            data=json.dumps({"experiment_ids": ["1"], "filter": asked["searchFilter"]}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert len(json.load(answer)["runs"]) == 4  # the trials, as the page shows them
        with urllib.request.urlopen(page.url, timeout=30) as answer:
            assert b"<title>MLflow</title>" in answer.read()

        write_study(other := Store(store.root / "other"), n_trials=1)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        other_page = serve(other, NAME)  # points to the server that runs
        assert other_page.process is None
        assert other_page.url == page.url
        assert count_runs(other, NAME) == 2
    finally:
        page.stop()
    assert page.process is not None
    assert page.process.poll() is not None
    with pytest.raises(StudyError, match="MLFLOW_TRACKING_URI"):
        mirror(other, NAME)
