"""Which MLflow servers a job is told of."""

import pytest

from brainalign.launch.submission import tracking_environment

REMOTE, LOCAL = "http://head.example:8265", "http://127.0.0.1:8265"


@pytest.mark.parametrize(
    ("uri", "address", "told"),
    [
        ("https://mlflow.example", REMOTE, True),
        ("http://127.0.0.1:5000", REMOTE, False),
        ("http://localhost:5000", LOCAL, True),
        ("sqlite:////tmp/mlflow.db", LOCAL, False),
    ],
)
def test_only_servers_that_a_cluster_reaches(
    uri: str, address: str, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    expected = {"MLFLOW_TRACKING_URI": uri} if told else {}  # a job's environment can be read: no token in it
    assert tracking_environment(address) == expected


def test_none_is_told_where_none_is_set() -> None:
    assert tracking_environment(LOCAL) == {}
