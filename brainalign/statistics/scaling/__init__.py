"""Scaling curves: rival forms, what the data can tell of them, and forecasts with intervals."""

from brainalign.statistics.scaling.comparison import FormScore, Gate, judge, score_forms
from brainalign.statistics.scaling.curve import LEAST_SIZES, Curve
from brainalign.statistics.scaling.forms import FORMS, Scale
from brainalign.statistics.scaling.mixture import Mixture, crps
from brainalign.statistics.scaling.posterior import CAUTION, Posterior, fit_forms
from brainalign.statistics.scaling.profile import Exponent, fit_exponent
from brainalign.statistics.scaling.synthetic import Truth, draw_truth

__all__ = [
    "CAUTION",
    "FORMS",
    "LEAST_SIZES",
    "Curve",
    "Exponent",
    "FormScore",
    "Gate",
    "Mixture",
    "Posterior",
    "Scale",
    "Truth",
    "crps",
    "draw_truth",
    "fit_exponent",
    "fit_forms",
    "judge",
    "score_forms",
]
