"""The figures of the geometry on states with a planted structure, against scikit-learn and SciPy."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.decomposition import PCA

from brainalign.artifacts import Store
from brainalign.reports import GeometryInputs, GeometrySection, geometry_report, geometry_section
from brainalign.reports.geometry import Steered, Tuned
from brainalign.reports.geometry.alignment import align
from brainalign.reports.geometry.states import brain_states
from brainalign.reports.geometry.steering import common_layer, consistency

from .reading import Page, read_page

N, LAYERS, WIDTH = 30, 4, 24
TYPES = ("syllogisms",) * 16 + ("transitive",) * 14


def planted(seed: int = 0) -> GeometryInputs:
    """Two models; layer 2 of `near` reads what the subjects' betas share, `far` has nothing of it."""
    draw = np.random.default_rng(seed)
    shared = draw.normal(size=(N, 5))

    def reading(strength: float, width: int) -> np.ndarray:
        return strength * shared @ draw.normal(size=(5, width)) + draw.normal(size=(N, width))

    near = np.stack([[reading(2.0 * (layer == 2), WIDTH) for layer in range(LAYERS)] for _ in range(2)])
    far = draw.normal(size=(2, LAYERS, N, WIDTH + 8))
    guided = draw.normal(size=WIDTH) + 0.3 * draw.normal(size=(12, 2, WIDTH))
    rows = np.arange(12)
    after = near.copy()
    after[1, 2:] += draw.normal(size=(2, N, WIDTH))
    return GeometryInputs(
        name="planted",
        simulated=True,
        data="simulated: betas of a test",
        roi="language",
        ids=tuple(f"syl-{i}" for i in range(N)),
        types=TYPES,
        labels=np.arange(N) % 2 == 0,
        brain={f"sub-{i}": reading(1.0, 40 + i) for i in range(4)},
        models={"near": near.astype(np.float32), "far": far.astype(np.float32)},
        sizes={"near": 1000, "far": 2000},
        steered=(
            Steered("near", "guided", (1, 2), guided.astype(np.float32), rows),
            Steered("near", "random_direction", (2,), draw.normal(size=(12, 1, WIDTH)).astype(np.float32), rows),
        ),
        tuned=(Tuned("near", "label", "label", (2,), after.astype(np.float32)),),
        notes=("A note.",),
    )


@pytest.fixture(scope="module")
def inputs() -> GeometryInputs:
    return planted()


@pytest.fixture(scope="module")
def section(inputs: GeometryInputs) -> GeometrySection:
    return geometry_section(inputs)


@pytest.fixture(scope="module")
def page(inputs: GeometryInputs, tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, Path]:
    folder = tmp_path_factory.mktemp("geometry")
    written = geometry_report(Store(folder), inputs, folder / "geometry.html")
    return read_page(written.html), folder


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"geometry-{name}.csv")


def test_the_planted_layer_is_found_and_nothing_is_found_where_nothing_is(section: GeometrySection) -> None:
    for item in section.alignments:
        if item.model == "near":
            assert item.best[1] == 2
            assert item.p_value < 0.01
            site, layer = item.best
            assert item.intervals[site][layer].low > item.chance.upper
        else:
            assert item.p_value > 0.05
    assert {(item.model, item.measure, item.over) for item in section.alignments} == {
        (model, measure, over)
        for model in ("near", "far")
        for measure in ("cka", "rsa")
        for over in ("within types", "all problems")
    }


def test_rsa_is_the_median_over_subjects_of_scipys(inputs: GeometryInputs, section: GeometrySection) -> None:
    item = next(i for i in section.alignments if (i.model, i.measure, i.over) == ("near", "rsa", "all problems"))
    states = pdist(inputs.models["near"][1, 2].astype(float), "correlation")
    expected = [spearmanr(states, pdist(betas, "correlation")).statistic for betas in inputs.brain.values()]
    np.testing.assert_allclose(item.by_subject[1, 2], expected)
    assert item.intervals[1][2].estimate == pytest.approx(np.median(expected))


def test_planes_are_scikit_learns(inputs: GeometryInputs, page: tuple[Page, Path]) -> None:
    found = table(page[1], "states")
    clouds = {"near, layer 2": inputs.models["near"][1, 2].astype(float), "brain, language": brain_states(inputs)}
    for name, values in clouds.items():
        theirs = PCA(n_components=2, svd_solver="full").fit(values)
        ours = found[found.states == name][["component 1", "component 2"]].to_numpy()
        for column, scores in zip(ours.T, theirs.transform(values).T, strict=True):
            assert min(np.abs(column - scores).max(), np.abs(column + scores).max()) < 1e-3
        share = found[found.states == name]["share of 1"].iloc[0]
        assert share.startswith(f"{100 * theirs.explained_variance_ratio_[0]:.0f} % (")


def test_betas_of_every_subject_count_alike(inputs: GeometryInputs) -> None:
    values = brain_states(replace(inputs, brain={"a": 100 * inputs.brain["sub-0"], "b": inputs.brain["sub-1"]}))
    np.testing.assert_allclose(values.std(axis=0), 1.0)


def test_directions_are_told_apart_from_random_ones(page: tuple[Page, Path]) -> None:
    found = table(page[1], "steering").set_index("arm")
    assert found.consistency["guided"] > 0.9
    assert found.consistency["random_direction"] < 0.6
    assert found["cosine with the guided mean"]["guided"] == 1.0
    assert abs(found["cosine with the guided mean"]["random_direction"]) < 0.6
    assert set(found.layer) == {2}


def test_consistency_and_common_layer() -> None:
    assert consistency(np.array([[2.0, 0.0], [5.0, 0.0]])) == pytest.approx(1.0)
    assert consistency(np.array([[2.0, 0.0], [-5.0, 0.0]])) == pytest.approx(0.0)
    steered = [Steered("m", str(i), layers, np.zeros((1, len(layers), 2), np.float32), np.zeros(1, np.int64))
               for i, layers in enumerate([(1, 2, 3), (2, 3, 4), (3,)])]  # fmt: skip
    assert common_layer(steered) == 3


def test_training_shows_where_it_moved_states(page: tuple[Page, Path]) -> None:
    found = table(page[1], "tuned").set_index("layer")
    moved = found["mean shift (σ of the layer)"]
    assert moved[0] == moved[1] == 0.0
    assert 0.1 < moved[2] < 1.0
    kept = found["CKA before and after [interval]"].str.split(" ").str[0].astype(float)
    assert kept[0] == kept[1] == 1.0
    assert kept[3] < kept[2] < 1.0
    assert found.trained.tolist() == ["no", "no", "yes", "no"]


def test_page_says_what_it_shows_and_needs_nothing(page: tuple[Page, Path], section: GeometrySection) -> None:
    shown, folder = page
    assert shown.title == "SIMULATED DATA – planted – brainalign geometry of representations"
    assert shown.loaded == []
    assert "A note." in shown.text
    assert "Only 30 problems" in shown.text
    for figure in section.figures:
        assert figure.title in shown.text
        assert all(panel.identifier in shown.specs for panel in figure.panels)
    facts = json.loads((folder / "geometry.json").read_text())
    near = next(one for one in facts["alignments"] if one["model"] == "near")
    assert near["best"]["layer"] == 2
    assert len(near["by_layer"]["layer"]) == LAYERS
    between = table(folder, "models")
    assert between["relative depth"].tolist() == [0.0, 0.5, 1.0]
    assert between.CKA.str.contains(r"\[").all()
    paths = table(folder, "trajectories")
    assert len(paths) == 2 * 2 * LAYERS * 4
    apart = paths[paths.what == "differences between groups"]
    centres = apart.groupby(["model", "layer"])[["component 1", "component 2"]].mean()
    np.testing.assert_allclose(centres, 0.0, atol=1e-3)


def test_one_type_one_subject_and_one_model_leave_out_what_they_cannot_show(inputs: GeometryInputs) -> None:
    small = replace(
        inputs,
        types=("syllogisms",) * N,
        brain={"sub-0": inputs.brain["sub-0"]},
        models={"near": inputs.models["near"]},
        steered=(),
        tuned=(),
    )
    found = geometry_section(small)
    assert {item.over for item in found.alignments} == {"all problems"}
    assert all(np.isnan(item.ceiling[0]) for item in found.alignments)
    missing = {figure.identifier: figure.missing for figure in found.figures if figure.missing}
    assert set(missing) == {"geometry-steering", "geometry-tuned"}
    assert any("Only 1 subjects" in line or "Only 1 subject" in line for line in found.limits)


def test_the_same_states_give_the_same_figures(inputs: GeometryInputs) -> None:
    again = align(planted())
    for one, other in zip(align(inputs), again, strict=True):
        assert one.chance.upper == other.chance.upper
        assert one.intervals == other.intervals
