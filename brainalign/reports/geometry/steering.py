"""PCA of the displacements that mended answers, arm by arm, and how alike the arms' mean directions are."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from brainalign.artifacts import stream
from brainalign.reports.figures.style import ArmStyle, Figure, Panel, Table, arm_styles
from brainalign.reports.geometry.inputs import GeometryInputs, Steered
from brainalign.reports.geometry.scatter import plane, two_columns
from brainalign.reports.numbers import count, decimal
from brainalign.statistics import principal_components

MOST_DRAWN = 400
"""Displacements of an arm that are drawn; of more, so many chosen at random. All of them count in the components."""
FEWEST_DRAWN = 4
METHOD = "guided"


def steering_figure(inputs: GeometryInputs) -> Figure:
    """One panel a model: displacements at the layer that most arms steer."""
    styles = arm_styles([METHOD], sorted({one.arm for one in inputs.steered} - {METHOD}))
    panels, rows = [], []
    for i, model in enumerate(dict.fromkeys(one.model for one in inputs.steered)):
        own = [one for one in inputs.steered if one.model == model]
        layer = common_layer(own)
        shown = [one for one in own if layer in one.layers]
        if sum(len(one.values) for one in shown) >= FEWEST_DRAWN:
            panels.append(_panel(f"steering-{i}", inputs, layer, shown, styles))
        rows += [_row(inputs, layer, one, own) for one in own]
    header = (
        "model",
        "arm",
        "layer",
        "displacements",
        "mean norm (σ of the attention output)",
        "consistency",
        "cosine with the guided mean",
    )
    return Figure(
        identifier="geometry-steering",
        title="Steering directions",
        caption="Each mark is a displacement that turned a wrong answer right, at the layer that most arms steer, in "
        "the plane of the principal components of all of them (not centred arm by arm); colour and symbol are the arm, "
        "filled marks answers that had to become True, open ones False; crosses the arms' means. Consistency is the "
        "norm of the mean of unit vectors, 1 where all point one way and about 1/√n where none do: random directions "
        "show what that is. Winning searches steer other layers and strengths, so lengths do not compare between arms.",
        panels=tuple(panels),
        table=Table(header, tuple(rows)) if rows else None,
        missing="" if panels else "No winning search has left enough displacements in the store to draw.",
    )


def common_layer(arms: Sequence[Steered]) -> int:
    """Layer that most arms steer; of equals the one in the middle of their number."""
    counts: dict[int, int] = {}
    for one in arms:
        for layer in one.layers:
            counts[layer] = counts.get(layer, 0) + 1
    best = sorted(layer for layer, n in counts.items() if n == max(counts.values()))
    return best[len(best) // 2]


def consistency(vectors: NDArray[np.float64]) -> float:
    """Norm of the mean of unit vectors (m, d), between 0 and 1."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors[norms[:, 0] > 0] / norms[norms[:, 0] > 0]
    return float(np.linalg.norm(unit.mean(axis=0))) if len(unit) else float("nan")


def _at(one: Steered, layer: int) -> NDArray[np.float64]:
    values: NDArray[np.float64] = one.values[:, one.layers.index(layer)].astype(np.float64)
    return values


def _panel(
    identifier: str, inputs: GeometryInputs, layer: int, arms: Sequence[Steered], styles: dict[str, ArmStyle]
) -> Panel:
    every = np.concatenate([_at(one, layer) for one in arms])
    found = principal_components(every)
    traces = []
    for one in arms:
        scores = two_columns(found.project(_at(one, layer)))
        drawn = stream("reports.geometry", inputs.name, one.model, one.arm).permutation(len(scores))[:MOST_DRAWN]
        style = styles[one.arm]
        for label in (True, False):
            rows = [row for row in drawn if bool(inputs.labels[one.problems[row]]) == label]
            symbol = style.symbol if label else f"{style.symbol}-open"
            marker = {"color": style.colour, "symbol": symbol, "size": 8, "opacity": 0.7}
            name = f"{one.arm}, towards {label}"
            traces.append(go.Scatter(x=scores[rows, 0], y=scores[rows, 1], mode="markers", name=name, marker=marker))
        mean = scores.mean(axis=0)
        cross = {"color": style.colour, "symbol": "x", "size": 13, "line": {"width": 2, "color": "#1a1a1a"}}
        traces.append(go.Scatter(x=[mean[0]], y=[mean[1]], mode="markers", marker=cross, showlegend=False))
    names = ", ".join(f"{one.arm} ({len(one.values)})" for one in arms)
    alt = f"Displacements at layer {layer} of {arms[0].model}: {names}."
    title = f"{arms[0].model}, attention output of layer {layer}"
    return plane(identifier, title, alt, traces, found.explained.tolist())


def _row(inputs: GeometryInputs, layer: int, one: Steered, arms: Sequence[Steered]) -> tuple[str, ...]:
    if layer not in one.layers:
        return (one.model, one.arm, f"does not steer {layer}", count(len(one.values)), "–", "–", "–")
    values = _at(one, layer)
    states = inputs.models[one.model][0, layer].astype(np.float64)
    sigma = float(np.sqrt(((states - states.mean(axis=0)) ** 2).sum(axis=1).mean()))
    norm = float(np.linalg.norm(values, axis=1).mean()) / sigma if sigma > 0 else float("nan")
    guided = next((other for other in arms if other.arm == METHOD and layer in other.layers), None)
    cosine = float("nan") if guided is None else _cosine(values.mean(axis=0), _at(guided, layer).mean(axis=0))
    figures = (decimal(norm, 2), decimal(consistency(values)), decimal(cosine))
    return (one.model, one.arm, str(layer), count(len(values)), *figures)


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / norms if norms > 0 else float("nan")
