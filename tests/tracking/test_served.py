"""Winners are registered as models: what MLflow serves answers as the model does that the study changed."""

from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from brainalign.activations.answering import answer_prompts
from brainalign.artifacts import Store, TrialRow
from brainalign.betas import SimulatorConfig, load_betas
from brainalign.errors import InputError, ModelError
from brainalign.search.preparation import describe_model
from brainalign.steering import Displacements, SteeringVectors, steered
from brainalign.stimuli import Problem, own_wording, split_problems
from brainalign.tracking import Showing, mirror, model_name, tracking_uri
from brainalign.tracking.served import save_winner
from brainalign.trials import Ask, Context, find_or_run, trial_kind
from tests.artifacts.test_store import trial_row

MODEL, NAME = "tiny-random-llama", "served"
ASKED = pd.DataFrame(
    {
        "premises": [["Ann is taller than Ben", "Ben is taller than Cid"], "All owls are wise\nSome birds are owls"],
        "conclusion": ["Ann is taller than Cid", "Some birds are wise"],
    }
)
SETTINGS = {
    "nari": {"n_steps": 60, "alpha": 8.0},
    "label": {"epochs": 1, "validation_problems": 4, "test_problems": 4, "learning_rate": 0.05},
}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    dataset = load_betas(simulate=SimulatorConfig(n_subjects=2, n_problems_per_type=10, seed=3))
    store = Store(tmp_path_factory.mktemp("store"))
    return Context(store, dataset, split_problems(dataset.problems), MODEL)


@pytest.fixture(scope="module")
def manifest(context: Context) -> dict:
    facts, _ = describe_model(context)
    study = {"name": NAME, "loading": {"dtype": None, "quantisation": "none"}}
    data = {"source": "simulated", "description": "made up", "content_hash": "d" * 32}
    return {"study": study, "identity": "x", "uid": "y", "models": {MODEL: facts}, "data": data, "provenance": {}}


def finish(context: Context, kind_name: str) -> TrialRow:
    kind = trial_kind(kind_name)
    setting = {**kind.default_setting(), **SETTINGS[kind_name]}
    result, _ = find_or_run(kind, Ask(setting, kind.arms[0], "selection", 0), context)
    changes = {"setting": setting, "result_key": result.key, "objective": 0.1, "metrics": dict(result.metrics)}
    return trial_row(3, study=NAME, model=MODEL, kind=kind_name, arm=kind.arms[0], **changes)


def margins(context: Context) -> np.ndarray:
    problems = [
        Problem.of(
            "other", premises if isinstance(premises, list) else premises.splitlines(), end, label=True, category=""
        )
        for premises, end in ASKED.itertuples(index=False)
    ]
    wording = own_wording()
    return answer_prompts(context.model, [context.model.encode_problem(one, wording) for one in problems]).margin


def test_a_searchs_winner_is_registered_and_serves_the_steered_model(context: Context, manifest: dict) -> None:
    store, row = context.store, finish(context, "nari")
    store.write_manifest(NAME, manifest)
    store.write_trial(row)
    group, showing = f"{MODEL}/nari", Showing("<html>comparison</html>", row)
    for _ in range(2):  # the second time nothing is new
        mirror(store, NAME, summaries={group: {"best.guided": 0.1}}, showings={group: showing})
    client = MlflowClient(tracking_uri(store))
    (version,) = client.search_model_versions(f"name = '{model_name(row)}'")
    assert (version.tags["place"], version.tags["data_source"]) == (row.place, "simulated")
    assert client.get_model_version_by_alias(model_name(row), "winner").version == version.version
    files = {item.path for item in client.list_artifacts(version.run_id)}
    assert {"comparison.html", "winner"} <= files
    mlflow.set_tracking_uri(tracking_uri(store))
    served = mlflow.pyfunc.load_model(f"models:/{model_name(row)}@winner")
    found = served.predict(ASKED)
    arrays = store.load_arrays("displacements", str(row.result_key))
    assert arrays is not None
    moved = Displacements.from_arrays(arrays)
    facts = manifest["models"][MODEL]
    mean = moved.values.mean(axis=0).astype(np.float32)
    vectors = SteeringVectors(MODEL, facts["weights_hash"], facts["n_layers"], moved.layers, mean)
    plain = margins(context)
    with steered(context.model, vectors):
        expected = margins(context)
    assert found["margin"].to_numpy() == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(found["margin"], plain, atol=1e-3)
    assert set(found["answer"]) <= {"True", "False", "neither"}
    with pytest.raises(InputError, match="no conclusion"):
        served.predict(ASKED[["premises"]])


@pytest.mark.slow
def test_a_trainings_winner_serves_the_trained_weights(context: Context, manifest: dict, tmp_path: Path) -> None:
    row, folder = finish(context, "label"), tmp_path / "winner"
    assert save_winner(context.store, manifest, row, folder)
    found = mlflow.pyfunc.load_model(str(folder)).predict(ASKED)
    plain, kind = margins(context), trial_kind("label")
    with kind.trained(Ask(row.setting, row.arm, "selection", 0), context):
        expected = margins(context)
    assert found["margin"].to_numpy() == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(found["margin"], plain, atol=1e-4)


def test_what_left_nothing_is_not_registered_and_other_weights_are_refused(
    context: Context, manifest: dict, tmp_path: Path
) -> None:
    row = finish(context, "nari")
    assert not save_winner(context.store, manifest, replace(row, result_key="absent"), tmp_path / "none")
    assert not save_winner(context.store, {**manifest, "models": {}}, row, tmp_path / "none")
    facts = {**manifest["models"][MODEL], "weights_hash": "other"}
    assert save_winner(context.store, {**manifest, "models": {MODEL: facts}}, row, tmp_path / "other")
    with pytest.raises(ModelError, match="expected weights other"):
        mlflow.pyfunc.load_model(str(tmp_path / "other"))
