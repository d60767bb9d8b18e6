"""What the geometry gathers from a store that a small study has filled: states, displacements, trained weights."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from brainalign.artifacts import Store
from brainalign.errors import InputError
from brainalign.reports import gather
from brainalign.search.preparation import begin, prepare
from brainalign.study import parse_study
from brainalign.trials import Ask, Context, find_or_run, trial_kind

from .synthetic import Plan, trial

MODEL = "tiny-random-llama"
pytestmark = pytest.mark.slow
NARI = {"alpha": 30.0, "n_steps": 10, "check_every": 5, "roi": "language", "layers": {"start": 0.0, "width": 1.0}}
LABEL = {"epochs": 1, "validation_problems": 2, "test_problems": 2, "learning_rate": 0.01, "lora_rank": 4}
CONTENT = {
    "name": "small",
    "description": "",
    "models": [MODEL],
    "betas": {"source": "simulated", "simulator": {"n_subjects": 2, "n_problems_per_type": 12}},
    "kinds": {
        "nari": {"arms": ["guided", "random_direction"], "trials": 1, "space": NARI},
        "label": {"arms": ["label"], "trials": 1, "space": LABEL},
    },
}


@dataclass(frozen=True)
class Small:
    """The study's store, and the context that its trials ran in."""

    store: Store
    context: Context
    asks: dict[tuple[str, str], Ask]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    store = Store(tmp_path_factory.mktemp("small"))
    study = parse_study(CONTENT, "small")
    ready = prepare(study, store)
    begin(ready)
    context, asks = Context(store, ready.dataset, ready.split, MODEL), {}
    for name, changes in (("nari", NARI), ("label", LABEL)):
        kind = trial_kind(name)
        for arm in study.arms(name):
            ask = Ask({**kind.default_setting(), **changes}, arm, "selection", 0)
            result, _ = find_or_run(kind, ask, context)
            facts = {"model": MODEL, "setting": dict(ask.setting), "result_key": result.key, "objective": 0.1}
            store.write_trial(trial(Plan(name="small"), name, arm, 0, **facts))
            asks[name, arm] = ask
    return Small(store, context, asks)


def test_states_and_betas_are_those_of_the_study(small: Small) -> None:
    found = gather(small.store, "small", roi="language", with_tuned=False)
    dataset, values = small.context.dataset, small.context.activations.values
    assert found.ids == dataset.problems.ids
    np.testing.assert_array_equal(found.models[MODEL], values)
    for subject, betas in dataset.betas.values["language"].items():
        np.testing.assert_allclose(found.brain[subject], betas)
    assert found.labels.tolist() == dataset.problems.labels.tolist()
    assert found.simulated
    assert found.tuned == ()


def test_displacements_are_those_that_mended_wrong_answers(small: Small) -> None:
    found = gather(small.store, "small", with_tuned=False)
    kind = trial_kind("nari")
    answers, labels = small.context.activations.answers.answer, small.context.dataset.problems.labels
    for one in found.steered:
        kept = kind.displacements(small.asks["nari", one.arm], small.context)
        np.testing.assert_array_equal(one.values, kept.values)
        assert (answers[one.problems] != labels[one.problems]).all()
        assert {found.ids[row] for row in one.problems} <= set(small.context.targets("selection"))
    assert "guided" in {one.arm for one in found.steered} <= {"guided", "random_direction"}


def test_trained_weights_give_other_states_from_the_first_trained_layer_on(small: Small) -> None:
    found = gather(small.store, "small")
    (tuned,) = found.tuned
    before = found.models[MODEL]
    first = tuned.layers[0]
    np.testing.assert_allclose(tuned.values[1, :first], before[1, :first], atol=1e-5)
    assert np.abs(tuned.values[1, first:] - before[1, first:]).max() > 1e-3
    kept = small.store.load_arrays("activations", next((small.store.root / "stages" / "activations").iterdir()).stem)
    np.testing.assert_array_equal(kept["values"], before)


def test_deleted_weights_are_told(small: Small, tmp_path: Path) -> None:
    checkpoints = small.store.checkpoints
    moved = checkpoints.rename(tmp_path / "elsewhere")
    try:
        found = gather(small.store, "small")
    finally:
        moved.rename(checkpoints)
    assert found.tuned == ()
    assert found.notes == (f"The weights of label label on {MODEL} are not kept any more.",)


def test_other_models_and_regions_are_refused(small: Small) -> None:
    with pytest.raises(InputError, match="expected models of small, found 'other'"):
        gather(small.store, "small", models=["other"])
    with pytest.raises(InputError, match="expected one of the regions"):
        gather(small.store, "small", roi="nowhere")


def test_the_verb_writes_page_and_data(small: Small, tmp_path: Path) -> None:
    from brainalign.cli.report import app

    command = [
        "geometry",
        "small",
        "--store",
        str(small.store.root),
        "--output",
        str(tmp_path / "g.html"),
        "--no-tuned",
    ]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 0, found.output
    assert (tmp_path / "g.html").stat().st_size < 8_000_000
    assert {path.name for path in tmp_path.glob("*.csv")} == {
        f"g-{name}.csv" for name in ("alignment", "states", "trajectories", "steering")
    }
