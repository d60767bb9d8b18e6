"""Directions: made once for both kinds, never from the problem they move, chosen apart from where they are tried."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from brainalign.activations import displaced
from brainalign.artifacts import OUTCOME_SCHEMA, Store
from brainalign.betas import SimulatorConfig, load_betas
from brainalign.errors import InputError
from brainalign.spaces import Choice
from brainalign.steering import TRANSFER_ARMS, Displacements
from brainalign.stimuli import split_problems
from brainalign.trials import Ask, Context, result_key, trial_kind
from brainalign.trials.nari import STAGE
from brainalign.zoo import model_facts

TRANSFER, NARI = trial_kind("nari_transfer"), trial_kind("nari")
ASK = Ask({**TRANSFER.default_setting(), "n_steps": 20, "strength": 2.0}, "guided", "selection", 0)


def make_context(folder: Path) -> Context:
    dataset = load_betas(simulate=SimulatorConfig(n_subjects=2, n_problems_per_type=20, seed=3))
    return Context(Store(folder), dataset, split_problems(dataset.problems), "tiny-random-llama")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return make_context(tmp_path_factory.mktemp("store"))


def search_of(ask: Ask) -> Ask:
    setting = {name: ask.setting[name] for name in NARI.default_setting()}
    return Ask(setting, TRANSFER_ARMS[ask.arm], "selection", ask.replicate)


def stored(context: Context, ask: Ask) -> Displacements:
    arrays = context.store.load_arrays(STAGE, result_key(NARI, search_of(ask), context))
    assert arrays is not None
    return Displacements.from_arrays(arrays)


@pytest.mark.parametrize("arm", TRANSFER.arms)
@pytest.mark.parametrize("part", ["selection", "report"])
def test_every_arm_moves_every_problem_of_the_part_by_every_subject(context: Context, arm: str, part) -> None:
    ask = replace(ASK, arm=arm, part=part)
    found = TRANSFER.run(ask, context, "key")
    rows = found.outcomes.to_pandas()
    assert found.outcomes.schema == OUTCOME_SCHEMA
    ids = context.targets(part)
    assert set(zip(rows.subject, rows.stimulus_id, strict=True)) == {
        (subject, name) for subject in context.dataset.betas.subjects for name in ids
    }
    assert len(rows) == 2 * len(ids)
    labels, net = rows.label.to_numpy(), np.where(rows.targeted, 1, -1) * rows.success
    expected = np.mean([net[labels == label].mean() for label in (True, False)])
    assert found.metrics["net_balanced_accuracy"] == pytest.approx(expected)
    assert ("selection_gap" in found.metrics) == (part == "report")


def test_the_gap_is_the_selection_figure_less_the_report_figure(context: Context) -> None:
    selected = TRANSFER.run(ASK, context, "key").metrics["net_balanced_accuracy"]
    reported = TRANSFER.run(replace(ASK, part="report"), context, "key").metrics
    assert reported["selection_gap"] == pytest.approx(selected - reported["net_balanced_accuracy"])


def test_a_search_is_made_once_for_both_kinds(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    TRANSFER.run(ASK, context, "key")
    key = result_key(NARI, search_of(ASK), context)
    found = context.store.read_result(key)
    assert found is not None
    again = NARI.run(search_of(ASK), context, key)
    assert found.outcomes.to_pandas().equals(again.outcomes.to_pandas())
    mended = again.outcomes.to_pandas()
    assert len(stored(context, ASK)) == (mended.targeted & mended.success).sum() > 0
    folder = context.store.root / "stages" / STAGE
    made = {path.name: path.stat().st_ino for path in folder.iterdir()}  # a file written anew is another one
    TRANSFER.run(replace(ASK, part="report"), context, "key")
    TRANSFER.run(replace(ASK, arm="random_direction"), context, "key")
    TRANSFER.run(replace(ASK, setting={**ASK.setting, "strength": 0.5}), context, "key")
    assert {path.name: path.stat().st_ino for path in folder.iterdir()} == made


def test_directions_of_the_selection_part_alone_move_the_report_part(context: Context) -> None:
    """A whole forward pass with the mean of the stored displacements in its hooks gives the row's margin."""
    rows = TRANSFER.run(replace(ASK, part="report"), context, "key").outcomes.to_pandas()
    kept, ids = stored(context, ASK), sorted(context.dataset.problems.ids)
    assert {ids[row] for row in kept.problems} <= set(context.split.selection)
    subjects = sorted(context.dataset.betas.subjects)
    types = {problem.stimulus_id: problem.reasoning_type for problem in context.dataset.problems}
    checked = 0
    for row in rows.iloc[::7].itertuples():
        mine = [
            i
            for i in range(len(kept))
            if subjects[kept.subjects[i]] == row.subject and types[ids[kept.problems[i]]] == row.reasoning_type
        ]
        if not mine:
            continue

        moved = torch.from_numpy(2.0 * kept.values[mine].mean(axis=0))
        problem = context.dataset.problems.subset([row.stimulus_id])[0]
        prompt = context.model.encode_chat(context.dataset.wording.messages(problem))
        with displaced(context.model, "attention", kept.layers, moved):
            plain = context.model.score(context.model.forward(prompt)[None])
        assert row.margin_after == pytest.approx(plain.margin[0], abs=1e-4)
        checked += 1
    assert checked > 0


def test_identity_knows_the_search_and_the_direction(context: Context) -> None:
    base = TRANSFER.identity(ASK, context)
    for name, value in (("strength", 3.0), ("normalise", True), ("average", "nearest"), ("source", "other")):
        assert TRANSFER.identity(replace(ASK, setting={**ASK.setting, name: value}), context) != base
    assert TRANSFER.identity(replace(ASK, setting={**ASK.setting, "alpha": 3.0}), context)["search"] != base["search"]
    assert TRANSFER.identity(replace(ASK, part="report"), context)["search"] == base["search"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"average": Choice(options=("median",))}, "found 'median'"),
        ({"source": Choice(options=("both",))}, "found 'both'"),
        ({"strength": Choice(options=("strong",))}, "expected numbers, found 'strong'"),
        ({"roi": Choice(options=("dr",))}, "found 'dr'"),
    ],
)
def test_a_space_that_cannot_run_is_refused_before_the_start(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TRANSFER.check({**TRANSFER.default_space(), **change}, model_facts("tiny-random-llama"), 2)
