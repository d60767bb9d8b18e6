"""What the data say of each curve's form, and how well its largest model could be foretold from the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainalign.reports.figures.style import Table
from brainalign.reports.numbers import NOT_MEASURED, decimal
from brainalign.reports.scaling.curves import ScalingCurve
from brainalign.statistics.scaling import (
    FORMS,
    FormScore,
    Gate,
    Mixture,
    Posterior,
    crps,
    fit_forms,
    judge,
    score_forms,
)

LEVEL = 0.95
_HEADER = ("kind", "quantity", "curve", "form", "equation", "probability", "error", "log density", "error by family")
_TOLD_HEADER = ("kind", "quantity", "curve", "told", "95 % interval", "found", "where", "CRPS")


@dataclass(frozen=True)
class Foretold:
    """The largest model predicted from the smaller ones, after the fact."""

    model: str
    mean: float
    low: float
    high: float
    outcome: float
    crps: float

    @property
    def inside(self) -> bool:
        """Whether the outcome lies in the interval."""
        return self.low <= self.outcome <= self.high


@dataclass(frozen=True)
class CurveFit:
    """All forms fitted to one curve."""

    curve: ScalingCurve
    posterior: Posterior
    scores: tuple[FormScore, ...]
    gate: Gate
    foretold: Foretold | None

    @property
    def sentence(self) -> str:
        """What the gate says, and the exponent where there is one."""
        told = f"{self.curve.arm}, {self.curve.quantity}: {self.gate.reason}."
        exponent = self.gate.exponent
        if exponent is None:
            return told
        bounds = f"[{decimal(exponent.low)}, {decimal(exponent.high)}]"
        return f"{told} Exponent {decimal(exponent.estimate)} {bounds} per ln N."

    def band(self, sizes: np.ndarray) -> list[tuple[float, float, float]]:
        """Mean and 95 % bounds of what would be measured at each size, all forms by their probability."""
        error = typical_error(self.curve)
        return [summarised(self.posterior.predict(float(size), error), self.curve) for size in sizes]


def fit_curves(curves: Sequence[ScalingCurve]) -> list[CurveFit]:
    """Fit the methods' curves that have at least three sizes."""
    return [fit for curve in curves if curve.is_method and (fit := _fit(curve)) is not None]


def _fit(curve: ScalingCurve) -> CurveFit | None:
    data = curve.to_fit()
    if data is None:
        return None
    posterior = fit_forms(data)
    scores = score_forms(posterior)
    return CurveFit(curve, posterior, tuple(scores), judge(posterior, scores), _foretell_largest(curve))


def _foretell_largest(curve: ScalingCurve) -> Foretold | None:
    largest = max(curve.points, key=lambda point: point.size)
    data = curve.to_fit(without=(largest.size.name,))
    if data is None:
        return None
    error = float(np.sqrt(curve.covariance[-1, -1]))
    mixture = fit_forms(data).predict(float(largest.size.n_parameters), error)
    mean, low, high = summarised(mixture, curve)
    outcome = largest.estimate.estimate
    return Foretold(largest.size.name, mean, low, high, outcome, crps(mixture.sample_points(), outcome))


def summarised(mixture: Mixture, curve: ScalingCurve) -> tuple[float, float, float]:
    """Mean and 95 % bounds of a prediction, within what the quantity can be."""
    low, high = mixture.quantiles([0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    kept = np.clip([mixture.mean, low, high], curve.scale.low, curve.scale.high)
    return float(kept[0]), float(kept[1]), float(kept[2])


def typical_error(curve: ScalingCurve) -> float:
    """Error that one more model's figure will have: the median of those measured."""
    return float(np.sqrt(np.median(np.diag(curve.covariance))))


def form_table(fits: Sequence[CurveFit]) -> Table:
    """Rival forms of every fitted curve side by side."""
    rows = [
        (
            *(fit.curve.kind, fit.curve.quantity, fit.curve.arm, score.name, score.equation),
            decimal(score.weight, 2),
            decimal(score.error),
            decimal(score.log_score, 2),
            NOT_MEASURED if score.family_error is None else decimal(score.family_error),
        )
        for fit in fits
        for score in fit.scores
    ]
    return Table(_HEADER, tuple(rows))


def foretold_table(fits: Sequence[CurveFit]) -> Table:
    """How the largest model of each curve would have been predicted."""
    rows = [
        (
            *(fit.curve.kind, fit.curve.quantity, f"{fit.curve.arm}: {told.model}"),
            decimal(told.mean),
            f"{decimal(told.low)} to {decimal(told.high)}",
            decimal(told.outcome),
            "inside" if told.inside else "outside",
            decimal(told.crps),
        )
        for fit in fits
        if (told := fit.foretold) is not None
    ]
    return Table(_TOLD_HEADER, tuple(rows))


def equations() -> str:
    """All forms in one sentence."""
    return "; ".join(f"{form.name} ({form.equation})" for form in FORMS)
