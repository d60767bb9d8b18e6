"""The whole way: search on one part, choose there, report once on the other, and vectors that steer."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brainalign.betas import ROIS, FmriDataset, SimulatorConfig, simulate_dataset
from brainalign.errors import InputError
from brainalign.steering import (
    NariConfig,
    TransferConfig,
    TransferOptions,
    TransferOutcome,
    load_vectors,
    steered,
    transfer_directions,
)
from brainalign.zoo import LanguageModel, load_model

CONFIG = NariConfig(layers=(1, 2), alpha=3.0, n_steps=20)
OPTIONS = TransferOptions(strengths=(4.0, 0.5, 1.0), arms=("guided", "random_direction", "label", "bias"))


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model("tiny-random-llama")


@pytest.fixture(scope="module")
def dataset() -> FmriDataset:
    return simulate_dataset(SimulatorConfig(n_subjects=2, n_problems_per_type=12, n_voxels=dict.fromkeys(ROIS, 20)))


@pytest.fixture(scope="module")
def outcome(model: LanguageModel, dataset: FmriDataset) -> TransferOutcome:
    return transfer_directions(model, dataset, CONFIG, OPTIONS)


def test_the_strength_is_chosen_on_one_part_and_reported_on_the_other(outcome: TransferOutcome) -> None:
    assert not set(outcome.split.selection) & set(outcome.split.report)
    assert set(outcome.arms) == set(OPTIONS.arms)
    assert set(outcome.comparisons) == set(OPTIONS.arms) - {"guided"}
    for arm in outcome.arms.values():
        assert set(arm.by_strength) == {4.0, 0.5, 1.0}
        best = max(net for net in arm.by_strength.values() if net is not None)
        assert arm.by_strength[arm.strength] == best
        assert arm.strength == min(strength for strength, net in arm.by_strength.items() if net == best)
        assert set(arm.report.outcomes["stimulus_id"].to_pylist()) == set(outcome.split.report)
        reported = arm.summary.overall.net_balanced_accuracy
        assert reported is not None
        assert arm.selection_gap == pytest.approx(best - reported)


def test_figures_are_json_and_name_what_was_chosen(outcome: TransferOutcome) -> None:
    written = json.loads(json.dumps(outcome.to_json(), allow_nan=False))
    promised = {"corrected", "broken", "n_targeted", "n_right", "net_accuracy", "balanced_accuracy", "invalid"}
    promised |= {"interval", "by_subject", "by_type", "by_label", "strength", "selection_gap", "flip_all"}
    for figures in written["arms"].values():
        assert promised <= set(figures)
    assert written["n_selection"] + written["n_report"] == 24
    assert written["baseline"]["n"] == written["n_report"]


def test_what_the_report_part_holds_changes_no_choice(
    model: LanguageModel, dataset: FmriDataset, outcome: TransferOutcome
) -> None:
    """With the report part's betas replaced, directions and strengths stay, and so does every answer."""
    places = [dataset.problems.ids.index(name) for name in outcome.split.report]
    values = {roi: {name: array.copy() for name, array in one.items()} for roi, one in dataset.betas.values.items()}
    for by_subject in values.values():
        for array in by_subject.values():
            array[places] = 100.0
    other = replace(dataset, betas=replace(dataset.betas, values=values))
    found = transfer_directions(model, other, CONFIG, replace(OPTIONS, arms=("guided", "label", "bias")))
    for name, arm in found.arms.items():
        assert arm.by_strength == outcome.arms[name].by_strength
        assert (
            arm.report.outcomes.drop_columns(["result_key"])
            .to_pandas()
            .equals(outcome.arms[name].report.outcomes.drop_columns(["result_key"]).to_pandas())
        )


def test_vectors_steer_as_the_direction_at_its_strength(
    model: LanguageModel, dataset: FmriDataset, outcome: TransferOutcome, tmp_path: Path
) -> None:
    """With one subject the saved vector is that subject's direction, so the report's margins come back by `steered`."""
    found = transfer_directions(model, dataset.select(subjects=["sim-02"]), CONFIG, OPTIONS)
    rows = found.arms["guided"].report.outcomes.to_pandas()
    for kind, vectors in found.vectors.items():
        loaded = load_vectors(vectors.save(tmp_path / f"{kind}.safetensors"), model)
        assert loaded.description["reasoning_type"] == kind
        assert loaded.description["strength"] == found.arms["guided"].strength
        for row in rows[rows.reasoning_type == kind].iloc[:3].itertuples():
            problem = dataset.problems.subset([row.stimulus_id])[0]
            with steered(model, loaded):
                logits = model.forward(model.encode_chat(dataset.wording.messages(problem)))
            assert model.score(logits[None]).margin[0] == pytest.approx(row.margin_after, abs=1e-4)
    assert found.vectors


def test_without_displacements_nothing_moves_and_a_note_says_so(model: LanguageModel, dataset: FmriDataset) -> None:
    nobody = replace(dataset, betas=replace(dataset.betas, correct=np.zeros_like(dataset.betas.correct)))
    found = transfer_directions(model, nobody, CONFIG, replace(OPTIONS, arms=("guided",)))
    assert found.vectors == {}
    assert found.arms["guided"].summary.overall.net_balanced_accuracy == 0.0
    assert any("had no direction" in note for note in found.notes)


def test_options_that_leave_nothing_to_choose_are_refused() -> None:
    for change, message in (
        ({"arms": ("guided", "prompt")}, "found prompt"),
        ({"arms": ()}, "found none"),
        ({"strengths": ()}, "one or more strengths"),
        ({"strengths": (1.0, float("inf"))}, "finite strength"),
    ):
        with pytest.raises(InputError, match=message):
            replace(OPTIONS, **change)
    assert TransferOptions().transfer == TransferConfig()
