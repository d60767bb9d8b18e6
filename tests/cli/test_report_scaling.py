"""`brainalign report scaling` and `report freeze` on a drawn family of studies."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainalign.artifacts import Store
from brainalign.cli.report import app
from brainalign.errors import StudyError
from tests.reports.scaling.family import SIZES, Family, build

SMALLER = tuple(name for name in SIZES if name != "nano-llama-7.4m")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Store(tmp_path_factory.mktemp("store"))
    build(store, Family(n_seeds=1, n_trials=1, run=SMALLER, arms=("guided", "bias")))
    return store.root


def test_freeze_then_report(root: Path) -> None:
    frozen = CliRunner().invoke(app, ["freeze", "family", "--store", str(root), "--json"], catch_exceptions=False)
    told = json.loads(frozen.stdout)
    assert told["models"] == ["nano-llama-7.4m"]
    assert json.loads(Path(told["path"]).read_text())["hash"] == told["hash"]
    with pytest.raises(StudyError, match="written once"):
        CliRunner().invoke(app, ["freeze", "family", "--store", str(root)], catch_exceptions=False)
    found = CliRunner().invoke(app, ["scaling", "family", "--store", str(root), "--json"], catch_exceptions=False)
    report = json.loads(found.stdout)
    assert Path(report["report"]) == root / "studies" / "family" / "scaling.html"
    assert all(Path(path).is_file() for path in report["figures"])
    assert any("family is not finished" in line for line in report["warnings"])
    assert any("wait for their results" in line for line in report["sentences"])
