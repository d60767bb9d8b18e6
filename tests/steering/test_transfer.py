"""Transfer on a linear readout, whose answers are known by hand, against the averages written out pair by pair."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from brainalign.artifacts import OUTCOME_SCHEMA
from brainalign.errors import InputError
from brainalign.steering import NariConfig, NariInputs, TransferConfig
from brainalign.steering.directions import make_directions, mean_direction
from brainalign.steering.displacements import Displacements
from brainalign.steering.nari import run_nari, search_nari
from brainalign.steering.pairs import all_pairs, form_groups
from brainalign.steering.transfer import TRANSFER_ARMS, run_transfer

from .readout import LinearReadout, make_inputs

CONFIG = NariConfig(layers=(1, 2, 3), alpha=4.0, n_steps=40, check_every=5)
NAMES = ("key", 0)


def readout(inputs: NariInputs) -> LinearReadout:
    assert isinstance(inputs.prompts, LinearReadout)
    return inputs.prompts


def found_in(inputs: NariInputs, arm: str = "guided") -> Displacements:
    return search_nari(inputs, CONFIG, arm, NAMES).displacements


@pytest.mark.parametrize("arm", ["guided", "random_direction", "label"])
def test_a_search_keeps_the_displacements_that_mended(arm: str) -> None:
    inputs = make_inputs()
    search = search_nari(inputs, CONFIG, arm, NAMES)
    assert search.outcomes.to_pandas().equals(run_nari(make_inputs(), CONFIG, arm, NAMES).to_pandas())  # NaN included
    table = search.outcomes.to_pandas()
    mended = table[table.targeted & table.success].set_index(["subject", "stimulus_id"])
    kept = search.displacements
    assert len(kept) == len(mended) > 0
    answers = readout(inputs).answer(kept.problems, kept.layers, torch.from_numpy(kept.values))
    assert (answers.answer == inputs.labels[kept.problems]).all()
    sigma = {
        kind: form_groups(inputs, CONFIG.layers)[place].sigma.numpy()
        for place, kind in enumerate(("syllogisms", "transitive"))
    }
    for place in range(len(kept)):
        row = mended.loc[(inputs.subjects[kept.subjects[place]], inputs.stimulus_ids[kept.problems[place]])]
        radius = (np.linalg.norm(kept.values[place], axis=1) / sigma[row.reasoning_type]).max()
        assert radius == pytest.approx(row.radius, rel=1e-5)
        assert answers.margin[place] == pytest.approx(row.margin_after, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("arm", ["bias", "prompt"])
def test_arms_that_move_nothing_keep_nothing(arm: str) -> None:
    kept = found_in(make_inputs(), arm)
    assert kept.values.shape == (0, 3, 16)
    again = Displacements.from_arrays(kept.to_arrays())
    assert (again.layers, len(again)) == (kept.layers, 0)


def test_displacements_come_back_from_arrays() -> None:
    kept = found_in(make_inputs())
    again = Displacements.from_arrays(kept.to_arrays())
    for name in ("layers", "subjects", "problems", "values"):
        assert np.array_equal(getattr(kept, name), getattr(again, name))
    with pytest.raises(InputError, match="keep them in one order"):
        replace(kept, problems=kept.problems[1:])


def direction_by_hand(
    inputs: NariInputs, kept: Displacements, place: tuple[int, int], config: TransferConfig
) -> NDArray[np.float64]:
    """Loops over sources and layers, nothing shared with the code under test."""
    subject, problem = place
    kind = inputs.types[problem]
    sources = [
        i
        for i in range(len(kept))
        if kept.subjects[i] == subject
        and kept.problems[i] != problem
        and (inputs.types[kept.problems[i]] == kind) == (config.source == "same")
    ]
    out = np.zeros((3, 16))
    if not sources:
        return out
    if config.average == "nearest":

        def closeness(i: int) -> float:
            cosines = []
            for layer in kept.layers:
                states = inputs.states[layer].astype(np.float64)
                one, two = (states[q] - states[inputs.pool].mean(axis=0) for q in (problem, kept.problems[i]))
                cosines.append(one @ two / np.sqrt((one @ one) * (two @ two)))
            return float(np.mean(cosines))

        sources = [max(sources, key=closeness)]
    pool = inputs.pool[inputs.types[inputs.pool] == kind]
    for k, layer in enumerate(kept.layers):
        vectors = [kept.values[i, k].astype(np.float64) for i in sources]
        if config.normalise:
            vectors = [vector / np.linalg.norm(vector) for vector in vectors]
        mean = sum(vectors) / len(vectors)
        if config.normalise:
            states = inputs.states[layer][pool].astype(np.float64)
            sigma = np.sqrt(((states - states.mean(axis=0)) ** 2).sum(axis=1).mean())
            mean = mean / np.linalg.norm(mean) * sigma
        out[k] = mean
    return out


@pytest.mark.parametrize("source", ["same", "other"])
@pytest.mark.parametrize("average", ["mean", "nearest"])
@pytest.mark.parametrize("normalise", [False, True])
def test_directions_are_what_the_formula_says(source: Any, average: Any, normalise: bool) -> None:
    inputs, config = make_inputs(), TransferConfig(source=source, average=average, normalise=normalise)
    kept = found_in(inputs)
    for group in form_groups(inputs, CONFIG.layers, all_pairs):
        made = make_directions(group, group.pairs, kept, config)
        expected = [
            direction_by_hand(inputs, kept, place, config)
            for place in zip(group.pairs.subjects, group.pairs.problems, strict=True)
        ]
        np.testing.assert_allclose(made.values.numpy(), expected, atol=1e-5)
        assert made.n_without == sum(not np.any(direction) for direction in expected)


def test_a_problems_own_displacement_never_moves_it() -> None:
    inputs, config = make_inputs(), TransferConfig()
    kept = found_in(inputs)
    problem = kept.problems[0]
    values = kept.values.copy()
    values[kept.problems == problem] = 1e6
    loud = replace(kept, values=values)
    before, after = (run_transfer(inputs, each, config, "guided", NAMES).outcomes.to_pandas() for each in (kept, loud))
    own = before.stimulus_id == inputs.stimulus_ids[problem]
    assert before[own].equals(after[own])
    assert not before[~own].equals(after[~own])


@pytest.mark.parametrize("arm", TRANSFER_ARMS)
def test_rows_are_all_pairs_and_outcomes_are_those_of_one_answer(arm: str) -> None:
    inputs = make_inputs()
    kept = found_in(inputs, TRANSFER_ARMS[arm])
    readout(inputs).asked.clear()
    found = run_transfer(inputs, kept, TransferConfig(strength=2.0), arm, NAMES)
    table = found.outcomes.to_pandas()
    assert found.outcomes.schema == OUTCOME_SCHEMA
    assert len(table) == 3 * 24 == len(set(zip(table.subject, table.stimulus_id, strict=True)))
    assert (table.n_checks == 1).all()
    assert set(table.arm) == {arm}
    right_after = (table.margin_after > 0) == table.label
    assert (table.success == (right_after == table.targeted)).all()
    assert (table.first_check == np.where(table.success, 0, -1)).all()
    wrong = dict(zip(inputs.stimulus_ids, inputs.answers.answer != inputs.labels, strict=True))
    assert (table.targeted == table.stimulus_id.map(wrong)).all()
    assert found.n_not_finite == 0
    if arm != "bias":
        moved = sum(len(rows) for rows, _ in readout(inputs).asked)
        assert moved == len(table)


def test_a_broken_answer_may_be_neither() -> None:
    """Beyond the readout's limit all answers are neither: what was right is lost, what was wrong is not mended."""
    kept = found_in(make_inputs())
    inputs = make_inputs(limit=1e-6)
    table = run_transfer(inputs, kept, TransferConfig(), "guided", NAMES).outcomes.to_pandas()
    moved = table.n_invalid == 1
    assert moved.any()
    assert (table.success[moved] == ~table.targeted[moved]).all()


def test_strength_zero_changes_nothing() -> None:
    inputs = make_inputs()
    for arm in TRANSFER_ARMS:
        table = run_transfer(
            inputs, found_in(inputs, TRANSFER_ARMS[arm]), TransferConfig(strength=0.0), arm, NAMES
        ).outcomes
        assert not any(table["success"].to_pylist())
        assert table["margin_after"].equals(table["margin_before"])


@pytest.mark.parametrize("average", ["mean", "nearest"])
def test_random_directions_are_as_long_as_the_guided_ones(average: Any) -> None:
    inputs, config = make_inputs(), TransferConfig(average=average, strength=3.0)
    kept = found_in(inputs)
    asked = []
    for arm in ("guided", "random_direction"):
        readout(inputs).asked.clear()
        run_transfer(inputs, kept, config, arm, NAMES)
        asked.append(torch.cat([moved for _, moved in readout(inputs).asked]))
    guided, random = asked
    torch.testing.assert_close(guided.norm(dim=2), random.norm(dim=2))
    there = guided.norm(dim=2)[:, 0] > 0
    cosine = (guided[there] * random[there]).sum(2) / guided[there].norm(dim=2) ** 2
    assert float(cosine.mean().abs()) < 0.2
    readout(inputs).asked.clear()
    run_transfer(inputs, kept, config, "random_direction", ("key", 1))
    assert not torch.equal(torch.cat([moved for _, moved in readout(inputs).asked]), random)


def test_bias_goes_where_the_other_wrong_problems_point() -> None:
    inputs = make_inputs(offset=0.7)
    table = run_transfer(inputs, found_in(inputs), TransferConfig(strength=0.5), "bias", NAMES).outcomes.to_pandas()
    wrong = inputs.answers.answer != inputs.labels
    for row in table[table.subject == "sub-1"].itertuples():
        own = inputs.stimulus_ids.index(row.stimulus_id)
        others = [
            1 if inputs.labels[q] else -1
            for q in range(24)
            if q != own and wrong[q] and inputs.types[q] == row.reasoning_type
        ]
        spread = inputs.answers.margin[inputs.types == row.reasoning_type].std()
        expected = row.margin_before + 0.5 * spread * np.sign(sum(others))
        assert row.margin_after == pytest.approx(expected, abs=1e-5)


def test_new_problems_are_moved_by_directions_of_the_pool() -> None:
    """With the pool in one half and targets in the other, every row has its type's mean, nothing left out."""
    inputs = make_inputs()
    pool, targets = np.arange(12), np.arange(12, 24)
    kept = found_in(replace(inputs, pool=pool, targets=pool))
    assert np.isin(kept.problems, pool).all()
    readout(inputs).asked.clear()
    run_transfer(replace(inputs, pool=pool, targets=targets), kept, TransferConfig(), "guided", NAMES)
    for rows, moved in readout(inputs).asked:
        kind = inputs.types[rows[0]]
        for place, row in enumerate(rows):
            subject = place // 6
            mine = (kept.subjects == subject) & (inputs.types[kept.problems] == kind)
            expected = kept.values[mine].mean(axis=0) if mine.any() else np.zeros((3, 16))
            np.testing.assert_allclose(moved[place].numpy(), expected, atol=1e-6)
            assert row in targets


def test_a_strength_that_gives_no_number_is_counted_and_the_rest_kept() -> None:
    inputs = make_inputs()
    kept = found_in(inputs)
    values = kept.values.copy()
    values[kept.subjects == 0] = 1e30
    found = run_transfer(inputs, replace(kept, values=values), TransferConfig(strength=1e30), "guided", NAMES)
    table = found.outcomes.to_pandas()
    lost = ~np.isfinite(table.margin_after)
    assert found.n_not_finite == lost.sum() > 0
    assert set(table.subject[lost]) == {"sub-1"}
    assert np.isfinite(table.margin_after[table.subject != "sub-1"]).all()


def test_the_mean_over_subjects_weighs_each_subject_once() -> None:
    inputs = make_inputs()
    kept = found_in(inputs)
    sigma = form_groups(inputs, CONFIG.layers)[0].sigma
    of_type = inputs.types[kept.problems] == "syllogisms"
    by_subject = [kept.values[of_type & (kept.subjects == s)].mean(axis=0) for s in set(kept.subjects[of_type])]
    plain = mean_direction(inputs, kept, "syllogisms", normalise=False, sigma=sigma)
    assert plain is not None
    np.testing.assert_allclose(plain, np.mean(by_subject, axis=0), atol=1e-5)
    unit = mean_direction(inputs, kept, "syllogisms", normalise=True, sigma=sigma)
    assert unit is not None
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), sigma.numpy(), rtol=1e-5)
    assert mean_direction(inputs, found_in(inputs, "bias"), "syllogisms", normalise=False, sigma=sigma) is None


def test_bad_input_is_named() -> None:
    inputs = make_inputs()
    kept = found_in(inputs)
    with pytest.raises(InputError, match="found 'prompt'"):
        run_transfer(inputs, kept, TransferConfig(), "prompt", NAMES)
    with pytest.raises(InputError, match="search the selection part"):
        run_transfer(replace(inputs, pool=np.arange(4)), kept, TransferConfig(), "guided", NAMES)
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"average": "median"}, "'median'"),
        ({"source": "both"}, "'both'"),
        ({"strength": np.inf}, "finite"),
    )
    for change, message in refused:
        with pytest.raises(InputError, match=message):
            replace(TransferConfig(), **change)
    group = form_groups(inputs, (2, 3), all_pairs)[0]
    with pytest.raises(InputError, match=r"at layers \[2, 3\], found \[1, 2, 3\]"):
        make_directions(group, group.pairs, kept, TransferConfig())
