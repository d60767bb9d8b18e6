"""Winners and fronts: by direction, under constraints, and with ties."""

import math
import random
from dataclasses import replace

import optuna

from brainalign.study import Goals, front_to_json
from tests.artifacts.test_store import trial_row


def row(number: int, first: float | None, **metrics: float):
    return trial_row(number, objective=first, metrics=metrics, state="COMPLETE" if first is not None else "FAILED")


def test_the_winner_is_the_best_by_direction_then_the_preferred_then_the_earliest() -> None:
    rows = [row(0, 0.1), row(1, 0.4), row(2, 0.4), row(3, None), replace(row(4, 9.0), objective=math.nan)]
    up, down = Goals({"net": "maximize"}), Goals({"net": "minimize"})
    assert up.best(rows).number == 1
    assert up.best(rows, prefer={2}).number == 2
    assert down.best(rows).number == 0
    assert up.best([row(0, None)]) is None


def test_no_winner_misses_a_constraint_unless_all_do() -> None:
    goals = Goals({"net": "maximize"}, upper={"invalid": 0.2}, lower={"right": 0.5})
    rows = [row(0, 0.9, invalid=0.3, right=0.9), row(1, 0.2, invalid=0.2, right=0.5), row(2, 0.8, invalid=0.1)]
    assert goals.best(rows).number == 1
    assert [goals.is_feasible(one) for one in rows] == [False, True, False]
    assert goals.violations(rows[0])["invalid at most 0.2"] > 0
    # None meets them: the one that misses least, although another has the better objective.
    assert goals.best([row(0, 0.9, invalid=0.9, right=0.9), row(1, 0.1, invalid=0.25, right=0.6)]).number == 1


def test_a_front_is_optunas_front() -> None:
    chance = random.Random(0)
    rows = [row(i, round(chance.random(), 1), broken=round(chance.random(), 1)) for i in range(60)]
    rows.append(row(60, None))
    goals = Goals({"net": "maximize", "broken": "minimize"})
    study = optuna.create_study(directions=["maximize", "minimize"])
    for one in rows[:60]:
        study.add_trial(optuna.create_trial(values=[one.objective, one.metrics["broken"]]))
    assert sorted(one.number for one in goals.front(rows)) == sorted(trial.number for trial in study.best_trials)


def test_a_front_holds_trials_that_meet_the_constraints_and_says_so() -> None:
    goals = Goals({"net": "maximize", "broken": "minimize"}, upper={"broken": 0.3})
    rows = [row(0, 0.9, broken=0.5), row(1, 0.5, broken=0.3), row(2, 0.1, broken=0.1), row(3, 0.1, broken=0.2)]
    front = front_to_json(goals, rows)
    assert [(one["number"], one["feasible"]) for one in front] == [(1, True), (2, True)]
    assert front[0]["objectives"] == {"net": 0.5, "broken": 0.3}
    assert [one["feasible"] for one in front_to_json(goals, rows[:1])] == [False]
