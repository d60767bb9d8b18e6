"""PCA of brain and model states, and of a model's states before and after fine-tuning."""

from collections.abc import Iterator

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from brainalign.artifacts import stream
from brainalign.reports.figures.style import OKABE_ITO, Figure, Panel, Table, axis, panel
from brainalign.reports.geometry.alignment import strata_within
from brainalign.reports.geometry.inputs import GeometryInputs, Tuned
from brainalign.reports.geometry.scatter import plane, problem_traces, two_columns
from brainalign.reports.numbers import decimal, interval_text, percent
from brainalign.statistics import Interval, chance_explained, principal_components, similarity_interval

_LAYER = 1
"""Place of the layer outputs among a model's sites."""


def states_figure(inputs: GeometryInputs) -> Figure:
    """PCA of the betas of all subjects together and of each model's layer outputs at three depths."""
    panels, rows = [], []
    for i, (what, values) in enumerate(_clouds(inputs)):
        found = principal_components(values)
        by_chance = chance_explained(values, rng=stream("reports.geometry", inputs.name, what))
        scores = two_columns(found.scores)
        shares = [
            f"{percent(a, 0)} ({percent(b, 0)} by chance)" for a, b in zip(found.explained, by_chance, strict=True)
        ]
        alt = f"Principal components of {what}: {' and '.join(shares)} of the variance."
        traces = problem_traces(scores, inputs.types, inputs.labels, inputs.ids)
        panels.append(plane(f"states-{i}", what, alt, traces, found.explained.tolist(), by_chance.tolist()))
        rows += [
            (what, problem, kind, str(bool(label)), decimal(x), decimal(y), *_two(shares))
            for problem, kind, label, (x, y) in zip(inputs.ids, inputs.types, inputs.labels, scores, strict=True)
        ]
    header = ("states", "problem", "type", "right answer", "component 1", "component 2", "share of 1", "share of 2")
    return Figure(
        identifier="geometry-states",
        title="Brain and model states",
        caption="Each mark is a problem at its last input token, in the plane of the two largest principal components; "
        "colour is the right answer (blue True, vermilion False), the symbol the type of reasoning. Brain: betas of "
        f"{inputs.roi}, voxels of all {len(inputs.brain)} subjects side by side, each voxel scaled to unit variance. "
        "Shares of variance beyond those that shuffled columns give (in the table, 95 % quantile) are more than "
        "chance; a plane shows the largest directions, not the ones that matter for an answer.",
        panels=tuple(panels),
        table=Table(header, tuple(rows)),
    )


def tuning_figure(inputs: GeometryInputs) -> Figure:
    """States before and after fine-tuning in one plane, and the similarity of the two layer by layer."""
    panels: list[Panel] = []
    rows: list[tuple[str, ...]] = []
    for i, tuned in enumerate(inputs.tuned):
        panels += [_moved(f"tuned-{i}", inputs, tuned)]
        found = _kept(inputs, tuned)
        panels.append(_kept_panel(f"kept-{i}", tuned, found))
        rows += [
            (tuned.model, tuned.kind, tuned.arm, str(layer), "yes" if layer in tuned.layers else "no",
             interval_text(cka), decimal(shift))
            for layer, (cka, shift) in enumerate(found)
        ]  # fmt: skip
    header = (
        "model",
        "kind",
        "arm",
        "layer",
        "trained",
        "CKA before and after [interval]",
        "mean shift (σ of the layer)",
    )
    return Figure(
        identifier="geometry-tuned",
        title="States before and after fine-tuning",
        caption="Left: output of the last trained layer for each problem, open before and filled after, in the plane "
        "of the principal components of both together; lines join the two. Right: debiased CKA within types of the "
        "states before and after, at every layer output, with 95 % jackknife intervals over problems; the shaded span "
        "holds the trained layers. One training each: how much another seed would move them is not in the bars.",
        panels=tuple(panels),
        table=Table(header, tuple(rows)) if rows else None,
        missing="" if panels else "The study has no finished training whose weights are kept.",
    )


def brain_states(inputs: GeometryInputs) -> NDArray[np.float64]:
    """Voxels of all subjects side by side, each with mean zero and unit variance, (n, n_voxels of all)."""
    parts = []
    for betas in inputs.brain.values():
        spread = betas.std(axis=0)
        parts.append((betas - betas.mean(axis=0)) / np.where(spread > 0, spread, 1.0))
    return np.concatenate(parts, axis=1)


def _clouds(inputs: GeometryInputs) -> Iterator[tuple[str, NDArray[np.float64]]]:
    yield f"brain, {inputs.roi}", brain_states(inputs)
    for model, values in inputs.models.items():
        n_layers = values.shape[1]
        for layer in sorted({0, n_layers // 2, n_layers - 1}):
            yield f"{model}, layer {layer}", values[_LAYER, layer].astype(np.float64)


def _moved(identifier: str, inputs: GeometryInputs, tuned: Tuned) -> Panel:
    layer = tuned.layers[-1]
    before = inputs.models[tuned.model][_LAYER, layer].astype(np.float64)
    after = tuned.values[_LAYER, layer].astype(np.float64)
    found = principal_components(np.concatenate([before, after]))
    old, new = (two_columns(found.project(states)) for states in (before, after))
    lines = np.stack([old, new, np.full_like(old, np.nan)], axis=1).reshape(-1, 2)
    joined = [None if value != value else value for value in lines[:, 0]], [None if v != v else v for v in lines[:, 1]]
    traces = [go.Scatter(x=joined[0], y=joined[1], mode="lines", line={"color": "#c9c9c9"}, showlegend=False)]
    for trace in problem_traces(old, inputs.types, inputs.labels, inputs.ids):
        trace.update(marker={"symbol": f"{trace.marker.symbol}-open"}, showlegend=False)
        traces.append(trace)
    traces += problem_traces(new, inputs.types, inputs.labels, inputs.ids)
    title = f"{tuned.arm} {tuned.kind} on {tuned.model}, layer {layer}"
    return plane(identifier, title, f"States before and after {title}.", traces, found.explained.tolist())


def _kept(inputs: GeometryInputs, tuned: Tuned) -> list[tuple[Interval, float]]:
    """Similarity of the states before and after, and the mean shift in units of the layer's spread, by layer."""
    found = []
    strata = strata_within(inputs)
    for before, after in zip(inputs.models[tuned.model][_LAYER], tuned.values[_LAYER], strict=True):
        one, other = before.astype(np.float64), after.astype(np.float64)
        sigma = np.sqrt(((one - one.mean(axis=0)) ** 2).sum(axis=1).mean())
        shift = float(np.linalg.norm(other - one, axis=1).mean() / sigma) if sigma > 0 else float("nan")
        found.append((similarity_interval(one, other, "cka", strata), shift))
    return found


def _kept_panel(identifier: str, tuned: Tuned, found: list[tuple[Interval, float]]) -> Panel:
    layers = list(range(len(found)))
    values = [cka.estimate for cka, _ in found]
    error = {
        "type": "data", "symmetric": False, "color": OKABE_ITO[0],
        "array": [cka.high - cka.estimate for cka, _ in found],
        "arrayminus": [cka.estimate - cka.low for cka, _ in found],
    }  # fmt: skip
    trace = go.Scatter(x=layers, y=values, mode="lines+markers", error_y=error, line={"color": OKABE_ITO[0]})
    span = {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "line": {"width": 0},
            "x0": tuned.layers[0] - 0.5, "x1": tuned.layers[-1] + 0.5, "fillcolor": "#eef5fa"}  # fmt: skip
    layout = {
        "xaxis": axis("layer", tickformat="d"),
        "yaxis": axis("CKA before and after", range=[min(0.0, *values) - 0.05, 1.05]),
        "shapes": [span],
        "showlegend": False,
        "height": 360,
    }
    lowest = min(range(len(values)), key=values.__getitem__)
    alt = f"CKA of the states before and after by layer; lowest at layer {lowest}: {interval_text(found[lowest][0])}."
    return panel(identifier, f"kept by layer: {tuned.arm} {tuned.kind} on {tuned.model}", alt, [trace], layout)


def _two(shares: list[str]) -> tuple[str, str]:
    return shares[0], shares[1] if len(shares) > 1 else "–"
