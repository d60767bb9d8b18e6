"""Predictivity by layer and region of interest, with the spread over subjects and the shuffled control."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from brainalign.reports.figures.style import FAINT, OKABE_ITO, Figure, Panel, Table, axis, panel
from brainalign.reports.numbers import NOT_MEASURED, decimal, is_number
from brainalign.reports.records import ArmRecord, StudyRecord
from brainalign.reports.scores import LayerScores, parse_scores

KIND = "predictivity"
_SITE_STYLES = {"attention": (OKABE_ITO[0], "solid", "circle"), "layer": (OKABE_ITO[4], "dash", "square")}
_HEADER = ("model", "ROI", "arm", "score", "spread (MAD)", "best layer", "subjects", "subjects at the best layer")


@dataclass(frozen=True)
class LayerCurves:
    """A trial's `LayerScores` with the place that they belong to."""

    model: str
    roi: str
    arm: str
    is_method: bool
    scores: LayerScores


def layer_curves(study: StudyRecord) -> list[LayerCurves]:
    """Predictivity of every ROI and arm: of several trials with one ROI the best."""
    found: list[LayerCurves] = []
    for arm in study.arms:
        if arm.kind == KIND:
            found.extend(_by_roi(study, arm))
    return found


def predictivity(study: StudyRecord) -> Figure:
    """One panel a (model, ROI): median over subjects by layer, both sites, the shuffled control in grey."""
    curves = layer_curves(study)
    measured = [item for item in curves if item.is_method]
    bounds = _common_range([item.scores for item in curves])
    panels = tuple(
        _layer_panel(f"layers-{i}", item, _controls(curves, item), bounds) for i, item in enumerate(measured)
    )
    return Figure(
        identifier="predictivity",
        title="Predictivity by layer and region of interest",
        caption=_caption(with_controls=len(measured) < len(curves)),
        panels=panels,
        table=Table(_HEADER, tuple(_table_row(item) for item in curves)) if curves else None,
        missing="" if panels else "The study has no finished trial of kind predictivity.",
    )


def _caption(*, with_controls: bool) -> str:
    control = (
        "Grey: the same with each subject's problems shuffled within each type of reasoning, both sites. "
        if with_controls
        else "The study ran no shuffled control to hold beside it. "
    )
    return (
        "Lines: median over subjects of the cross-validated Pearson r between predicted and measured betas, at the "
        "attention output and at the layer output of each layer (counting from 0). Bands: the middle half of the "
        f"subjects (25th to 75th percentile), a spread and not a confidence interval. {control}The ring marks the "
        "best layer, chosen on the folds that it is scored on."
    )


def _by_roi(study: StudyRecord, arm: ArmRecord) -> list[LayerCurves]:
    best: dict[str, LayerCurves] = {}
    for row in sorted(arm.complete, key=lambda row: float(row.objective or 0.0)):
        result = study.result(row)
        subset = str(row.setting.get("subset", "all"))
        roi = str(row.setting.get("roi", "all ROIs")) + ("" if subset == "all" else f", {subset} only")
        parsed = parse_scores(result.detail) if result else None
        if parsed is not None:
            best[roi] = LayerCurves(arm.model, roi, arm.arm, arm.is_method, parsed)
    return [best[roi] for roi in sorted(best)]


def _controls(curves: Sequence[LayerCurves], item: LayerCurves) -> list[LayerCurves]:
    return [other for other in curves if (other.model, other.roi) == (item.model, item.roi) and other.arm != item.arm]


def _common_range(scores: Sequence[LayerScores]) -> list[float] | None:
    """One vertical range for all panels, so that ROIs compare by eye."""
    pools = [values[np.isfinite(values)] for item in scores for values in (item.scores.ravel(), *_quartiles(item))]
    pool = np.concatenate(pools) if pools else np.empty(0)
    if not pool.size:
        return None
    low, high = min(0.0, float(pool.min())), float(pool.max())
    margin = 0.06 * ((high - low) or 1.0)
    return [low - margin, high + margin]


def _quartiles(item: LayerScores) -> list[NDArray[np.float64]]:
    if item.by_subject.shape[0] < 2:
        return []
    return [np.quantile(item.by_subject, share, axis=0).ravel() for share in (0.25, 0.75)]


def _layer_panel(
    identifier: str, item: LayerCurves, controls: Sequence[LayerCurves], bounds: list[float] | None
) -> Panel:
    scores = item.scores
    n_layers, n_subjects = scores.scores.shape[1], scores.by_subject.shape[0]
    traces = [trace for control in controls for trace in _control_traces(control)]
    for s, site in enumerate(scores.sites):
        traces.extend(_site_traces(site, scores.scores[s], scores.by_subject[:, s]))
    traces.extend(_best_ring(scores))
    layout = {
        "xaxis": axis("layer (from 0)", range=[-0.5, n_layers - 0.5]),
        "yaxis": axis("predictivity (Pearson r)", range=bounds, zeroline=True, zerolinecolor=FAINT),
        "height": 360,
    }
    alt = (
        f"Predictivity of {item.roi} from {item.model} over {n_layers} layers: best {decimal(scores.score)} at the "
        f"{scores.best_words}, {n_subjects} subjects."
    )
    return panel(identifier, f"{item.roi}, {item.model}", alt, traces, layout)


def _control_traces(control: LayerCurves) -> list[go.Scatter]:
    """Thin grey lines of a control, both sites under one name."""
    style = {"color": "#8a8a8a", "width": 1.2, "dash": "dot"}
    lines = [line.tolist() for line in control.scores.scores]
    return [
        go.Scatter(
            x=list(range(len(line))),
            y=line,
            mode="lines",
            name=control.arm,
            line=style,
            legendgroup=control.arm,
            legendrank=2000,
            showlegend=i == 0,
        )
        for i, line in enumerate(lines)
    ]


def _site_traces(site: str, line: NDArray[np.float64], subjects: NDArray[np.float64]) -> list[go.Scatter]:
    layers = list(range(len(line)))
    colour, dash, symbol = _SITE_STYLES.get(site, (OKABE_ITO[2], "dot", "diamond"))
    traces = []
    if subjects.shape[0] >= 2:
        low, high = np.quantile(subjects, 0.25, axis=0), np.quantile(subjects, 0.75, axis=0)
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        band = go.Scatter(
            x=[*layers, *layers[::-1]],
            y=[*high.tolist(), *low[::-1].tolist()],
            fill="toself",
            mode="lines",
            fillcolor=f"rgba({red},{green},{blue},0.15)",
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
        traces.append(band)
    traces.append(
        go.Scatter(
            x=layers,
            y=line.tolist(),
            mode="lines+markers",
            name=f"{site} output",
            line={"color": colour, "dash": dash, "width": 2},
            marker={"color": colour, "symbol": symbol, "size": 5},
        )
    )
    return traces


def _best_ring(item: LayerScores) -> list[go.Scatter]:
    if item.best is None or item.best[0] not in item.sites or not is_number(item.score):
        return []
    marker = {"symbol": "circle-open", "size": 15, "color": "#1a1a1a", "line": {"width": 2}}
    return [
        go.Scatter(x=[item.best[1]], y=[item.score], mode="markers", marker=marker, showlegend=False, hoverinfo="skip")
    ]


def _table_row(item: LayerCurves) -> tuple[str, ...]:
    scores = item.scores
    subjects = ", ".join(decimal(float(value)) for value in scores.at_best) or NOT_MEASURED
    figures = (decimal(scores.score), decimal(scores.mad), scores.best_words, str(scores.by_subject.shape[0]), subjects)
    return (item.model, item.roi, item.arm, *figures)
