"""Forecasts that are frozen before the largest models are run, and scored once they have been."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from brainalign.artifacts import Store, TrialRow, provenance
from brainalign.errors import InputError
from brainalign.reports.figures.style import Table
from brainalign.reports.numbers import decimal
from brainalign.reports.records import StudyRecord
from brainalign.reports.scaling.curves import ScalingCurve, outcome_curves
from brainalign.reports.scaling.fits import LEVEL, summarised, typical_error
from brainalign.reports.scaling.predictivity import predictivity_curves
from brainalign.reports.scaling.sizes import model_size
from brainalign.reports.scaling.studies import read_studies
from brainalign.statistics.scaling import crps, fit_forms

VERSION = 1
_DIGITS = 9
_HEADER = (
    "forecast",
    "kind",
    "quantity",
    "curve",
    "model",
    "told",
    "95 % interval",
    "found",
    "where",
    "CRPS",
    "frozen",
)


@dataclass(frozen=True)
class Frozen:
    """What freezing wrote: its file, its hash, and how many figures of which models it tells."""

    path: str
    hash: str
    models: tuple[str, ...]
    n_figures: int
    n_known: int


@dataclass(frozen=True)
class Scored:
    """One figure of a forecast beside what was found; ``outcome`` is None while there is nothing.

    ``frozen`` says in words whether the forecast came first.
    """

    forecast: str
    place: tuple[str, str, str]
    model: str
    mean: float
    low: float
    high: float
    outcome: float | None
    crps: float | None
    frozen: str

    @property
    def counts(self) -> bool:
        """Whether it was frozen before its results were there, and still says what was frozen."""
        return self.outcome is not None and self.frozen.startswith("before")

    @property
    def where(self) -> str:
        """Whether the outcome lies in the interval."""
        if self.outcome is None:
            return "not run yet"
        return "inside" if self.low <= self.outcome <= self.high else "outside"


def freeze(store: Store, names: Sequence[str], models: Sequence[str] = (), name: str | None = None) -> Frozen:
    """Foretell all methods' figures of some models from those of all others, and keep that for good.

    Parameters
    ----------
    store : Store
    names : sequence of str
        Studies, each by its name or by the name that its seeds share.
    models : sequence of str
        Models to foretell; if left out, those of the studies that no trial has been run on.
    name : str, optional
        Of the forecast; else the first study's.

    Raises
    ------
    InputError
        There is no model to foretell, or no curve to foretell it from.
    StudyError
        A study is not there, or a forecast of that name is.
    """
    studies = read_studies(store, names)
    chosen = tuple(models) or _not_run(studies)
    if not chosen:
        raise InputError(
            f"expected a model without a trial in {', '.join(names)}, found results of all: name those to foretell "
            "with --model"
        )
    known, figures = store.result_keys(chosen), _figures(studies, chosen)
    if not figures:
        raise InputError(
            "expected curves of at least three sizes beside those foretold, found none: run smaller models"
        )
    content = {
        "version": VERSION,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "provenance": dict(provenance()),
        "studies": {study.name: study.manifest.get("identity") for study in studies},
        "data": studies[0].data.get("content_hash"),
        "level": LEVEL,
        "known": known,
        "figures": figures,
    }
    path, stamp = store.freeze_forecast(name or names[0], content)
    return Frozen(str(path), stamp, chosen, len(figures), len(known))


def scored(store: Store, studies: Sequence[StudyRecord], curves: Sequence[ScalingCurve]) -> list[Scored]:
    """Score all forecasts of the store that were made from these studies."""
    names = {study.name for study in studies}
    by_name = {curve.name: curve for curve in curves}
    return [
        _score(forecast, content, figure, by_name, studies)
        for forecast, content in store.forecasts().items()
        if names & set(content.get("studies", {}))
        for figure in content.get("figures", [])
    ]


def forecast_table(found: Sequence[Scored]) -> Table:
    """All foretold figures with what became of them."""
    rows = [
        (
            *(item.forecast, *item.place, item.model, decimal(item.mean)),
            f"{decimal(item.low)} to {decimal(item.high)}",
            decimal(item.outcome),
            item.where,
            decimal(item.crps),
            item.frozen,
        )
        for item in found
    ]
    return Table(_HEADER, tuple(rows))


def _not_run(studies: Sequence[StudyRecord]) -> tuple[str, ...]:
    run = {row.model for study in studies for row in study.trials}
    return tuple(dict.fromkeys(model for study in studies for model in study.study.models if model not in run))


def _figures(studies: Sequence[StudyRecord], models: Sequence[str]) -> list[dict[str, Any]]:
    """Foretell every method's curve at every model."""
    figures = []
    for curve in (*outcome_curves(studies), *predictivity_curves(studies)):
        data = curve.to_fit(without=models) if curve.is_method else None
        if data is None:
            continue
        posterior, error = fit_forms(data), typical_error(curve)
        for model in models:
            size = model_size(model, {})
            mixture = posterior.predict(float(size.n_parameters), error)
            mean, low, high = summarised(mixture, curve)
            figures.append(
                {
                    "kind": curve.kind, "quantity": curve.quantity, "arm": curve.arm, "model": model,
                    "n_parameters": size.n_parameters, "n_sizes": data.n_sizes,
                    "mean": round(mean, _DIGITS), "low": round(low, _DIGITS), "high": round(high, _DIGITS),
                    "points": [round(float(point), _DIGITS) for point in mixture.sample_points()],
                }
            )  # fmt: skip
    return figures


def _score(
    forecast: str,
    content: Mapping[str, Any],
    figure: Mapping[str, Any],
    curves: Mapping[tuple[str, str, str], ScalingCurve],
    studies: Sequence[StudyRecord],
) -> Scored:
    place = (figure["kind"], figure["quantity"], figure["arm"])
    points = curves[place].points if place in curves else ()
    outcome = next((p.estimate.estimate for p in points if p.size.name == figure["model"]), None)
    rows = [row for study in studies for row in study.trials if (row.model, row.kind) == (figure["model"], place[0])]
    return Scored(
        forecast=forecast,
        place=place,
        model=figure["model"],
        mean=float(figure["mean"]),
        low=float(figure["low"]),
        high=float(figure["high"]),
        outcome=outcome,
        crps=None if outcome is None else crps(figure["points"], outcome),
        frozen=_frozen_words(content, rows),
    )


def _frozen_words(content: Mapping[str, Any], rows: Sequence[TrialRow]) -> str:
    """Say whether a forecast is what was frozen, and came before the trials by their own times and result keys."""
    if not content["intact"]:
        return "CHANGED after it was frozen"
    created = datetime.fromisoformat(content["created_at"])
    known = {row.result_key for row in rows} & set(content.get("known", []))
    earlier = [row for row in rows if row.started_at and datetime.fromisoformat(row.started_at) < created]
    stamp = f"{content['created_at'][:16]} UTC, {str(content['hash'])[:12]}"
    if known or earlier:
        return f"AFTER results were there ({stamp})"
    return f"before the results ({stamp})" if rows else f"no result yet ({stamp})"
