"""The search on a linear readout, whose answers are known by hand."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import torch

from brainalign.artifacts import OUTCOME_SCHEMA
from brainalign.errors import InputError
from brainalign.steering import ARMS, NariConfig, NariInputs, find_arm, middle_half, run_nari
from brainalign.steering.arms.bias import bias_grid
from brainalign.steering.arms.random_direction import sweeps
from brainalign.steering.pairs import form_groups

from .readout import LinearReadout, ShiftedVariants, make_inputs

CONFIG = NariConfig(layers=(1, 2, 3), alpha=4.0, n_steps=40, check_every=5)
NAMES = ("key", 0)
UNREACHABLE = 1e6
"""An offset that no displacement overcomes, so that every check is made."""


def readout(inputs: NariInputs) -> LinearReadout:
    assert isinstance(inputs.prompts, LinearReadout)
    return inputs.prompts


@pytest.mark.parametrize("arm", ARMS)
def test_rows_are_the_pairs_that_the_subject_had_right(arm: str) -> None:
    inputs = make_inputs()
    table = run_nari(inputs, CONFIG, arm, NAMES)
    assert table.schema == OUTCOME_SCHEMA
    expected = {
        (inputs.subjects[s], inputs.stimulus_ids[t]): bool(inputs.answers.answer[t] != inputs.labels[t])
        for s, t in np.argwhere(inputs.correct)
    }
    found = {(row["subject"], row["stimulus_id"]): row["targeted"] for row in table.to_pylist()}
    assert found == expected
    assert table.num_rows == len(expected)


@pytest.mark.parametrize("arm", ARMS)
def test_outcomes_hold_together(arm: str) -> None:
    table = run_nari(make_inputs(), CONFIG, arm, NAMES).to_pandas()
    done, open_ = table[table.success], table[~table.success]
    assert len(done) > 0
    assert (done.n_checks == done.first_check + 1).all()
    assert (open_.first_check == -1).all()
    assert open_.radius.isna().all()
    assert (open_.n_checks == CONFIG.n_checks).all()
    assert (done.radius <= CONFIG.alpha * (1 + 1e-5)).all()
    # A success is an answer on the other side of the margin.
    wanted = done.label == done.targeted
    assert ((done.margin_after > 0) == wanted).all()


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_gets_the_same_number_of_checks(arm: str) -> None:
    inputs = make_inputs()
    far = replace(inputs.answers, margin=np.full(24, UNREACHABLE, dtype=np.float32), answer=np.ones(24, dtype=np.int8))
    readout(inputs).offsets[:] = UNREACHABLE
    table = run_nari(replace(inputs, answers=far), CONFIG, arm, NAMES)
    assert set(table["n_checks"].to_pylist()) == {8}
    assert not any(table["success"].to_pylist())


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm != "prompt"])
def test_strength_zero_changes_no_answer(arm: str) -> None:
    inputs = make_inputs()
    table = run_nari(inputs, replace(CONFIG, alpha=0.0), arm, NAMES)
    assert not any(table["success"].to_pylist())
    assert table["margin_after"].equals(table["margin_before"])


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm not in ("best_subject", "worst_subject")])
def test_the_order_of_subjects_and_problems_changes_nothing(arm: str) -> None:
    """Streams are named and rows sorted, so half the subjects give half the rows, the same ones."""
    inputs = make_inputs()
    whole = run_nari(inputs, CONFIG, arm, NAMES).to_pandas()
    last = replace(inputs, subjects=inputs.subjects[2:], correct=inputs.correct[2:])
    part = run_nari(last, CONFIG, arm, NAMES).to_pandas()
    same = whole[whole.subject == "sub-3"].reset_index(drop=True)
    exact = ["subject", "stimulus_id", "targeted", "success", "first_check", "n_checks", "n_invalid"]
    assert part[exact].equals(same[exact])
    np.testing.assert_allclose(part.radius, same.radius, rtol=1e-3)


@pytest.mark.parametrize("arm", ["guided", "random_betas", "random_direction"])
def test_a_second_run_is_the_same_and_another_seed_is_not(arm: str) -> None:
    first = run_nari(make_inputs(), CONFIG, arm, NAMES).to_pandas()
    assert first.equals(run_nari(make_inputs(), CONFIG, arm, NAMES).to_pandas())
    other = run_nari(make_inputs(), CONFIG, arm, ("key", 1)).to_pandas()
    assert first.equals(other) == (arm == "guided")


def test_displacements_stay_in_the_ball_and_on_their_layers() -> None:
    inputs = make_inputs(offset=UNREACHABLE)
    run_nari(inputs, replace(CONFIG, alpha=0.5), "guided", NAMES)
    for rows, displacements in readout(inputs).asked:
        kind = inputs.types == inputs.types[rows[0]]
        assert kind[rows].all()
        states = inputs.states[1:4, kind]
        sigma = np.sqrt(((states - states.mean(axis=1, keepdims=True)) ** 2).sum(axis=2).mean(axis=1))
        norms = torch.linalg.vector_norm(displacements, dim=2).numpy()
        assert (norms <= 0.5 * sigma * (1 + 1e-5)).all()


def test_an_invalid_answer_goes_back_to_the_last_valid_displacement() -> None:
    """Beyond the limit all is invalid: checks alternate between leaving and coming back, never drifting off."""
    limit = 1.0
    inputs = make_inputs(limit=limit, offset=UNREACHABLE)
    table = run_nari(inputs, CONFIG, "guided", NAMES)
    assert min(table["n_invalid"].to_pylist()) > 0
    asked = [displacements for rows, displacements in readout(inputs).asked if inputs.types[rows[0]] == "syllogisms"]
    norms = np.stack([torch.linalg.vector_norm(moved, dim=(1, 2)).numpy() for moved in asked])
    steps = [np.linalg.norm((after - before).flatten(1).numpy(), axis=1) for before, after in pairwise(asked)]
    longest_move = 5 * 0.1 * 1.2 * np.sqrt(3 * 16)  # five AdamW steps at the rate, in every unit of three layers
    for check, moved in enumerate(steps):
        assert (moved <= 2 * longest_move).all()
        # After an invalid answer the search starts from a valid place: within one interval of the limit.
        assert (norms[check + 1] <= limit + longest_move).all()


def test_after_a_first_invalid_answer_the_search_starts_again_from_zero() -> None:
    inputs = make_inputs(limit=0.0, offset=UNREACHABLE)
    short = replace(CONFIG, learning_rate=1e-3)
    table = run_nari(inputs, short, "guided", NAMES)
    assert table["n_invalid"].equals(table["n_checks"])
    first, *later = [moved for rows, moved in readout(inputs).asked if inputs.types[rows[0]] == "syllogisms"]
    for moved in later:  # Had it not gone back, the eighth would be about eight times as long as the first.
        assert float(moved.norm()) < 2 * float(first.norm())


def test_fresh_directions_and_a_single_one() -> None:
    config = replace(CONFIG, n_steps=200)
    for arm, n_directions in (("random_direction", 4), ("random_direction_single", 1)):
        inputs = make_inputs(offset=UNREACHABLE)
        run_nari(inputs, config, arm, NAMES)
        first = [moved[0, 0] for rows, moved in readout(inputs).asked if inputs.types[rows[0]] == "syllogisms"]
        units = torch.stack([vector / vector.norm() for vector in first])
        assert len(units) == 40
        assert np.linalg.matrix_rank(units.numpy(), tol=1e-3) == n_directions


def same_figures(first: pa.Table, second: pa.Table) -> bool:
    """Whether two arms' tables differ in nothing but the arm's name."""
    one, two = (table.drop_columns(["arm"]).to_pandas() for table in (first, second))
    return bool(one.equals(two))


@pytest.mark.parametrize("arm", ["other_roi", "best_subject", "worst_subject", "label"])
def test_an_arm_with_other_betas_is_the_guided_search_with_these_betas(arm: str) -> None:
    inputs = make_inputs()
    accuracy = inputs.correct.mean(axis=1)
    assert len(set(accuracy)) == 3
    chosen = {
        "other_roi": inputs.other_betas,
        "best_subject": dict.fromkeys(inputs.subjects, inputs.betas[inputs.subjects[int(accuracy.argmax())]]),
        "worst_subject": dict.fromkeys(inputs.subjects, inputs.betas[inputs.subjects[int(accuracy.argmin())]]),
        "label": dict.fromkeys(inputs.subjects, np.eye(2, dtype=np.float32)[1 - inputs.labels.astype(int)]),
    }[arm]
    expected = run_nari(replace(make_inputs(), betas=chosen), CONFIG, "guided", NAMES)
    found = run_nari(make_inputs(), CONFIG, arm, NAMES)
    assert same_figures(found, expected)
    assert not same_figures(found, run_nari(make_inputs(), CONFIG, "guided", NAMES))


def test_best_and_worst_are_judged_on_the_pool_alone() -> None:
    inputs = make_inputs()
    pool = np.arange(16)
    correct = inputs.correct.copy()
    correct[:, :16] = np.array([[1], [0], [1]], dtype=bool)
    correct[2, 0] = False
    correct[:, 16:] = np.array([[0], [1], [0]], dtype=bool)
    inputs = replace(inputs, pool=pool, correct=correct)
    for arm, chosen in (("best_subject", "sub-1"), ("worst_subject", "sub-2")):
        group = form_groups(inputs, CONFIG.layers)[0]
        betas = find_arm(arm)(group, CONFIG, NAMES).betas()  # type: ignore[attr-defined]
        assert all(values is inputs.betas[chosen] for values in betas.values())


def test_random_betas_with_the_mean_are_spread_around_it() -> None:
    inputs = make_inputs(n_problems=200)
    shifted = {name: values * 3 + 7 for name, values in inputs.betas.items()}
    group = form_groups(replace(inputs, betas=shifted), CONFIG.layers)[0]
    for arm, mean in (("random_betas", 0.0), ("random_betas_mean", 7.0)):
        drawn = find_arm(arm)(group, replace(CONFIG, leave_target_out=False), NAMES).betas()  # type: ignore[attr-defined]
        for values in drawn.values():
            assert values.mean() == pytest.approx(mean, abs=0.15)
            assert values.std() == pytest.approx(3.0, rel=0.05)


def test_another_instruction_at_every_check_and_no_steering() -> None:
    """Instruction i moves the margin by 0.5 (i // 2 + 1) towards one side in turn: the first that crosses zero wins."""
    inputs = make_inputs()
    table = run_nari(inputs, CONFIG, "prompt", NAMES).to_pandas()
    assert readout(inputs).asked == []
    margin = dict(zip(inputs.stimulus_ids, readout(inputs).offsets, strict=True))
    for row in table.itertuples():
        wanted = 1 if row.label == row.targeted else -1
        crossed = [
            check
            for check in range(CONFIG.n_checks)
            if wanted * (margin[row.stimulus_id] + (check // 2 + 1) * (0.5 if check % 2 == 0 else -0.5)) > 0
        ]
        assert row.first_check == (crossed[0] if crossed else -1)
    assert (table.radius[table.success] == 0).all()


def test_arms_that_lack_what_they_need_say_so() -> None:
    inputs = make_inputs()
    with pytest.raises(InputError, match="second region"):
        run_nari(replace(inputs, other_betas={}), CONFIG, "other_roi", NAMES)
    for few in (None, ShiftedVariants(np.zeros(24, np.float32), count=7)):
        with pytest.raises(InputError, match="expected 8 instructions"):
            run_nari(replace(inputs, variants=few), CONFIG, "prompt", NAMES)


def test_sweeps_spread_a_shorter_rest_up_to_alpha() -> None:
    assert sweeps(15, 10, 10.0)[9:] == [(0, 10.0), (1, 2.0), (1, 4.0), (1, 6.0), (1, 8.0), (1, 10.0)]


def test_bias_grid_is_symmetric_and_ends_at_alpha() -> None:
    grid = bias_grid(40, 10.0)
    np.testing.assert_allclose(np.sort(grid), np.sort(-grid))
    assert (grid.max(), grid.min()) == (10.0, -10.0)
    assert (np.diff(np.abs(grid)) >= 0).all()


def test_bias_flips_every_pair_within_reach_and_asks_nothing() -> None:
    inputs = make_inputs()
    table = run_nari(inputs, replace(CONFIG, alpha=50.0), "bias", NAMES)
    assert all(table["success"].to_pylist())
    assert sum(table["n_invalid"].to_pylist()) == 0
    assert readout(inputs).asked == []


def test_release_compatibility() -> None:
    release = replace(CONFIG, compat="release", alpha=6.0)
    assert not release.leaves_target_out
    inputs = make_inputs(offset=UNREACHABLE)
    table = run_nari(inputs, release, "random_direction", NAMES)
    assert set(table["n_checks"].to_pylist()) == {6}
    asked = [moved for rows, moved in readout(inputs).asked if inputs.types[rows[0]] == "syllogisms"]
    norms = torch.stack([moved[0, 0].norm() for moved in asked])
    torch.testing.assert_close(norms / norms[0], torch.arange(1.0, 7.0))
    own = replace(CONFIG, alpha=6.0)
    included, left_out = (run_nari(make_inputs(), config, "guided", NAMES).to_pandas() for config in (release, own))
    assert not included.equals(left_out)


def test_the_pool_alone_sets_the_scales() -> None:
    """Problems outside the pool may hold anything without moving the others."""
    inputs = make_inputs()
    pool = np.arange(16)
    states, betas = inputs.states.copy(), {name: values.copy() for name, values in inputs.betas.items()}
    states[:, 16:] *= 100
    for values in betas.values():
        values[16:] += 5.0
    first = replace(inputs, pool=pool, targets=pool)
    second = replace(first, states=states, betas=betas)
    tables = [run_nari(inputs, CONFIG, "guided", NAMES).to_pandas() for inputs in (first, second)]
    assert tables[0].equals(tables[1])


def test_no_pairs_gives_an_empty_table() -> None:
    inputs = make_inputs()
    nobody = replace(inputs, correct=np.zeros_like(inputs.correct))
    table = run_nari(nobody, CONFIG, "guided", NAMES)
    assert table.num_rows == 0
    assert table.schema == OUTCOME_SCHEMA


def test_bad_input_is_named() -> None:
    inputs = make_inputs()
    with pytest.raises(InputError, match="layers from 0 to 5, found 6"):
        run_nari(inputs, replace(CONFIG, layers=(5, 6)), "guided", NAMES)
    with pytest.raises(InputError, match="did you mean 'guided'"):
        run_nari(inputs, CONFIG, "guidde", NAMES)
    with pytest.raises(InputError, match="type transitive in the pool"):
        run_nari(replace(inputs, pool=np.arange(0, 24, 2)), CONFIG, "guided", NAMES)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"layers": ()}, "one or more layers"),
        ({"layers": (3, 2)}, "rising"),
        ({"layers": (-1, 2)}, "counted from 0"),
        ({"loss": "cosin"}, "'cosin'"),
        ({"check_every": 41}, "check_every 41"),
        ({"alpha": -1.0}, "alpha >= 0"),
        ({"learning_rate": 0.0}, "learning_rate > 0"),
        ({"compat": "paper"}, "'paper'"),
    ],
)
def test_settings_that_cannot_run_are_refused(change: dict[str, object], found: str) -> None:
    with pytest.raises(InputError, match=found):
        replace(CONFIG, **change)  # type: ignore[arg-type]


def test_middle_half() -> None:
    assert middle_half(30) == tuple(range(7, 22))
    assert middle_half(1) == (0,)


class TestSubjectsWhoSawOtherProblems:
    """Each subject's maps, draws and stand-ins rest on its own trials."""

    @staticmethod
    def inputs() -> NariInputs:
        whole = make_inputs()
        unseen = {"sub-1": slice(0, 6), "sub-2": slice(0, 6), "sub-3": slice(18, 24)}
        betas = {name: values.copy() for name, values in whole.betas.items()}
        correct = whole.correct.copy()
        for place, (name, rows) in enumerate(unseen.items()):
            betas[name][rows] = np.nan
            correct[place, rows] = False
        other = {name: np.where(np.isnan(betas[name][:, :1]), np.nan, whole.other_betas[name]) for name in betas}
        return replace(whole, betas=betas, correct=correct, other_betas=other)

    @pytest.mark.parametrize("arm", sorted(ARMS))
    def test_every_arm_searches_the_pairs_that_there_are(self, arm: str) -> None:
        inputs = self.inputs()
        rows = run_nari(inputs, CONFIG, arm, NAMES).to_pylist()
        assert len(rows) == inputs.correct.sum()
        seen = {name: set(np.array(inputs.stimulus_ids)[inputs.seen(name)]) for name in inputs.subjects}
        assert all(row["stimulus_id"] in seen[row["subject"]] for row in rows)
        assert all(np.isfinite(row["margin_after"]) for row in rows)

    @pytest.mark.parametrize("arm", ["guided", "random_betas", "label", "other_roi"])
    def test_a_subject_is_searched_as_if_the_others_trials_did_not_exist(self, arm: str) -> None:
        inputs = self.inputs()
        there = np.flatnonzero(inputs.seen("sub-3"))
        # The pool sets the scales for all, so only maps and draws are compared: through a pool of the same problems.
        together = replace(inputs, pool=there, targets=there)
        alone = replace(
            together,
            subjects=("sub-3",),
            betas={"sub-3": inputs.betas["sub-3"]},
            other_betas={"sub-3": inputs.other_betas["sub-3"]},
            correct=inputs.correct[2:],
        )
        rows = [row for row in run_nari(together, CONFIG, arm, NAMES).to_pylist() if row["subject"] == "sub-3"]
        assert [row["margin_after"] for row in rows] == pytest.approx(
            [row["margin_after"] for row in run_nari(alone, CONFIG, arm, NAMES).to_pylist()], abs=1e-4
        )

    def test_a_stand_in_is_one_who_saw_the_same(self) -> None:
        inputs = self.inputs()
        correct = inputs.correct.copy()
        correct[2] = inputs.seen("sub-3")  # the best by far, and no help to the others
        inputs = replace(inputs, correct=correct)
        (group, *_) = form_groups(inputs, CONFIG.layers)
        betas = find_arm("best_subject")(group, CONFIG, NAMES).betas()  # type: ignore[attr-defined]
        best = max(("sub-1", "sub-2"), key=lambda name: inputs.correct[inputs.subjects.index(name)].sum())
        for name in ("sub-1", "sub-2"):
            np.testing.assert_array_equal(betas[name], inputs.betas[best])
        np.testing.assert_array_equal(betas["sub-3"], inputs.betas["sub-3"])
