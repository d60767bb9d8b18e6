"""Trajectories over layers: of groups of problems inside a model, and of models and the brain in one plane."""

from itertools import combinations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from brainalign.reports.figures.style import OKABE_ITO, SYMBOLS, Figure, Panel, Table
from brainalign.reports.geometry.alignment import strata_within
from brainalign.reports.geometry.inputs import GeometryInputs
from brainalign.reports.geometry.scatter import LABEL_COLOURS, plane, two_columns
from brainalign.reports.numbers import decimal, interval_text, percent
from brainalign.statistics import (
    classical_scaling,
    principal_components,
    signature,
    similarities,
    similarity_interval,
    strata_groups,
)

_LAYER = 1
BRAIN = "brain"
WHOLE, APART = "mean states", "differences between groups"


def trajectories_figure(inputs: GeometryInputs) -> Figure:
    """One panel a model: the mean state of each type and right answer from the first layer to the last."""
    panels: list[Panel] = []
    rows: list[tuple[str, ...]] = []
    names = [(kind, label) for kind in sorted(set(inputs.types)) for label in (True, False)]
    members = {
        name: [i for i in range(len(inputs.ids)) if (inputs.types[i], bool(inputs.labels[i])) == name] for name in names
    }
    members = {name: found for name, found in members.items() if found}
    for i, (model, values) in enumerate(inputs.models.items()):
        means = _group_means(values[_LAYER], list(members.values()))
        for k, (what, shown) in enumerate({WHOLE: means, APART: means - means.mean(axis=1, keepdims=True)}.items()):
            found = principal_components(shown.reshape(-1, shown.shape[-1]))
            paths = two_columns(found.scores).reshape(*shown.shape[:2], 2)
            traces = [_path(paths[:, j], name, inputs) for j, name in enumerate(members)]
            alt = f"{what} of {len(members)} groups of problems over {len(paths)} layers of {model}."
            panels.append(plane(f"paths-{i}-{k}", f"{model}: {what}", alt, traces, found.explained.tolist()))
            rows += [
                (model, what, name[0], str(name[1]), str(layer), *map(decimal, paths[layer, j].tolist()))
                for j, name in enumerate(members)
                for layer in range(len(paths))
            ]
    header = ("model", "what", "type", "right answer", "layer", "component 1", "component 2")
    return Figure(
        identifier="geometry-trajectories",
        title="Trajectories over layers",
        caption="Mean layer output of the problems of each type and right answer, layer by layer, each layer scaled to "
        "unit root mean square (states grow with depth), in the plane of the principal components of all means of a "
        "model. Large marks: the last layer. Left: the means as they are; what all problems share, such as the last "
        "token of the prompt, dominates these paths. Right: without the mean of the groups at each layer, so that it "
        "shows how they part; with few problems a group, means part by chance as well.",
        panels=tuple(panels),
        table=Table(header, tuple(rows)),
    )


def models_figure(inputs: GeometryInputs) -> Figure:
    """All layers of all models, and the brain, in one plane by their similarity."""
    groups = strata_groups(np.zeros(len(inputs.ids)))
    places = [(model, layer) for model, values in inputs.models.items() for layer in range(values.shape[1])]
    layers = [signature(inputs.models[model][_LAYER, layer], "cka", groups) for model, layer in places]
    brain = np.mean([signature(betas, "cka", groups) for betas in inputs.brain.values()], axis=0)
    norm = float(np.linalg.norm(brain))
    every = np.stack([*layers, brain / norm if norm > 0 else brain])
    angles = np.arccos(np.clip(similarities(every, every), -1.0, 1.0))
    np.fill_diagonal(angles, 0.0)
    coordinates, shares = classical_scaling((angles + angles.T) / 2)
    traces = []
    for i, model in enumerate(inputs.models):
        own = [row for row, (name, _) in enumerate(places) if name == model]
        colour, symbol = OKABE_ITO[i % len(OKABE_ITO)], SYMBOLS[i % len(SYMBOLS)]
        sizes = [7.0] * (len(own) - 1) + [13.0]
        traces.append(
            go.Scatter(
                x=coordinates[own, 0], y=coordinates[own, 1], mode="lines+markers", name=model,
                text=[f"{model}, layer {places[row][1]}" for row in own], hoverinfo="text",
                line={"color": colour, "width": 1}, marker={"symbol": symbol, "size": sizes, "color": colour},
            )
        )  # fmt: skip
    star = {"symbol": "star", "size": 15, "color": "#1a1a1a"}
    traces.append(go.Scatter(x=coordinates[-1:, 0], y=coordinates[-1:, 1], mode="markers", name=BRAIN, marker=star))
    lying = percent(float(shares.sum()), 0)
    alt = (
        f"Layers of {len(inputs.models)} models and the brain by similarity; {lying} of the distances lie in the plane."
    )
    return Figure(
        identifier="geometry-models",
        title="Between models",
        caption="Every mark is a layer output, lines run from the first layer to the last (large mark), the star is "
        f"the mean over subjects of the betas of {inputs.roi}. Marks are as far apart as the angle between their "
        "similarity structures over all problems, arccos of debiased CKA, as far as a plane allows "
        f"({lying} of the squared distances). The brain is far from every model where betas are noisy, whatever the "
        "model. The table gives similarities between models at equal relative depth, with 95 % jackknife intervals "
        "over problems.",
        panels=(plane("between-models", "Models and brain", alt, traces, shares.tolist()),),
        table=_between(inputs),
    )


def _group_means(states: NDArray[np.float32], groups: list[list[int]]) -> NDArray[np.float64]:
    """Mean state of each group at each layer, (n_layers, n_groups, d), every layer at unit root mean square."""
    values = states.astype(np.float64)
    scale = np.sqrt((values**2).mean(axis=(1, 2), keepdims=True))
    scaled = values / np.where(scale > 0, scale, 1.0)
    return np.stack([scaled[:, group].mean(axis=1) for group in groups], axis=1)


def _path(path: NDArray[np.float64], name: tuple[str, bool], inputs: GeometryInputs) -> go.Scatter:
    kind, label = name
    place = sorted(set(inputs.types)).index(kind)
    sizes = [5.0] * (len(path) - 1) + [14.0]
    return go.Scatter(
        x=path[:, 0], y=path[:, 1], mode="lines+markers", name=f"{kind}, {label}",
        text=[f"{kind}, {label}: layer {layer}" for layer in range(len(path))], hoverinfo="text",
        line={"color": LABEL_COLOURS[label], "dash": "solid" if place == 0 else "dot"},
        marker={"symbol": SYMBOLS[place], "size": sizes, "color": LABEL_COLOURS[label]},
    )  # fmt: skip


def _between(inputs: GeometryInputs) -> Table | None:
    rows = []
    everything, within = np.zeros(len(inputs.ids)), strata_within(inputs)
    for one, other in combinations(inputs.models, 2):
        for depth in (0.0, 0.5, 1.0):
            layers = [round(depth * (inputs.models[name].shape[1] - 1)) for name in (one, other)]
            states = [inputs.models[name][_LAYER, layer] for name, layer in zip((one, other), layers, strict=True)]
            figures = [
                interval_text(similarity_interval(states[0], states[1], measure, strata))
                for measure in ("cka", "rsa")
                for strata in (everything, within)
            ]
            rows.append((f"{one}, layer {layers[0]}", f"{other}, layer {layers[1]}", decimal(depth, 1), *figures))
    header = ("first", "second", "relative depth", "CKA", "CKA within types", "RSA", "RSA within types")
    return Table(header, tuple(rows)) if rows else None
