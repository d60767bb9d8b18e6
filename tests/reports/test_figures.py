"""Figures hold what the trials hold."""

import json
from itertools import pairwise
from math import pi

import numpy as np
import pytest

from brainalign.artifacts import Store
from brainalign.reports.depth import layer_span
from brainalign.reports.figures.history import best_so_far, history
from brainalign.reports.figures.slices import slices
from brainalign.reports.figures.strength_map import marker_sizes, strength_map
from brainalign.reports.figures.style import DIVERGING, OKABE_ITO, arm_styles, script_safe
from brainalign.reports.records import read_study

from .conftest import Finished
from .synthetic import N_LAYERS, Plan, build, trial


def test_map_shows_every_trial_at_its_place(finished: Finished) -> None:
    store, plan = finished.store, finished.plan
    figure = strength_map(read_study(store, plan.name))
    rows = [r for r in store.read_trials(plan.name) if (r.arm, r.part) == ("guided", "selection")]
    dots = next(t for t in json.loads(figure.panels[0].spec)["data"] if t.get("text"))
    spans = [layer_span(row.setting, N_LAYERS) for row in rows]
    assert dots["x"] == pytest.approx([(span[0] + span[1]) / 2 for span in spans if span])
    assert dots["y"] == pytest.approx([row.setting["alpha"] for row in rows])
    assert dots["marker"]["color"] == pytest.approx([row.objective for row in rows])
    assert dots["marker"]["cmin"] == -dots["marker"]["cmax"]


def test_map_leaves_out_the_arm_that_acts_on_no_layer(finished: Finished) -> None:
    figure = strength_map(read_study(finished.store, finished.plan.name))
    assert [panel.title.split(" ")[0] for panel in figure.panels] == ["guided", "random_direction"]


def test_colours_share_one_symmetric_scale(finished: Finished) -> None:
    figure = strength_map(read_study(finished.store, finished.plan.name))
    markers = [t["marker"] for p in figure.panels for t in json.loads(p.spec)["data"] if "cmax" in t.get("marker", {})]
    assert figure.colour_bar is not None
    assert {marker["cmax"] for marker in markers} == {figure.colour_bar.bound}
    assert DIVERGING[2][0] == 0.5


def test_areas_are_proportional_to_counts() -> None:
    few, many = marker_sizes([100, 200])
    assert pi * many**2 / (pi * few**2) == pytest.approx(2)
    assert min(marker_sizes([1, 10_000])) >= 7
    assert marker_sizes([0, 0]) == [17.0, 17.0]


def test_best_so_far_against_numpy() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert best_so_far(values.tolist()) == np.maximum.accumulate(values).tolist()
    assert best_so_far([]) == []


def test_history_marks_what_has_no_objective(store: Store) -> None:
    plan = build(store, Plan(n_trials=4, with_predictivity=False))
    store.write_trial(trial(plan, "nari", "guided", 2, state="FAILED", error="x"))
    store.write_trial(trial(plan, "nari", "guided", 3, state="PRUNED"))
    (panel,) = history(read_study(store, plan.name)).panels
    traces = {trace["name"]: trace for trace in json.loads(panel.spec)["data"]}
    assert traces["no objective"]["x"] == [2, 3]
    assert traces["guided"]["x"] == [0, 1]
    steps = traces["guided, best so far"]["y"]
    assert all(later >= earlier for earlier, later in pairwise(steps))


def test_slices_hold_every_trial_of_every_varied_setting(finished: Finished) -> None:
    figure = slices(read_study(finished.store, finished.plan.name))
    assert [panel.title.split(" ")[0] for panel in figure.panels] == ["alpha", "layers.start"]
    rows = [r for r in finished.store.read_trials(finished.plan.name) if (r.arm, r.part) == ("guided", "selection")]
    alpha, start = (json.loads(panel.spec)["data"][0] for panel in figure.panels)
    assert alpha["x"] == [row.setting["alpha"] for row in rows]
    assert start["x"] == [row.setting["layers"]["start"] for row in rows]
    assert alpha["y"] == start["y"] == [row.objective for row in rows]
    assert figure.table is not None
    thirds = [row for row in figure.table.rows if row[2:4] == ("alpha", "guided")]
    ordered = sorted((row.setting["alpha"], row.objective) for row in rows)
    assert [int(row[5]) for row in thirds] == [4, 4, 2]
    assert [row[6] for row in thirds] == [f"{np.median([y for _, y in ordered[i : i + 4]]):.3f}" for i in (0, 4, 8)]


def test_arms_differ_in_more_than_colour() -> None:
    styles = arm_styles(["guided", "measured"], ["random_direction", "random_betas", "bias"])
    assert styles["guided"] == styles["measured"]
    assert styles["guided"].colour == OKABE_ITO[0]
    for name in ("colour", "symbol", "dash"):
        assert len({getattr(styles[arm], name) for arm in styles if arm != "measured"}) == 4


def test_specifications_cannot_close_their_script() -> None:
    safe = script_safe('{"a": "</script><!-- &"}')
    assert not set("<>&") & set(safe)
    assert json.loads(safe) == {"a": "</script><!-- &"}
