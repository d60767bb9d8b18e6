"""Which form a curve has, and whether the data can tell."""

from dataclasses import dataclass

import numpy as np

from brainalign.statistics.scaling.curve import LEAST_SIZES, Curve
from brainalign.statistics.scaling.forms import FORMS
from brainalign.statistics.scaling.posterior import Posterior, fit_forms
from brainalign.statistics.scaling.profile import Exponent, fit_exponent
from brainalign.statistics.stratified import Floats

LEAST_GATE_SIZES = 5
"""Different sizes below which no form is told from another."""
CERTAINTY = 0.9
"""Probability from which on a form counts as told from its rivals."""


@dataclass(frozen=True)
class FormScore:
    """How a form does on a curve.

    Attributes
    ----------
    name, equation
        Of the form.
    weight
        Its probability among the forms.
    error
        Root mean square error of each model predicted from the others, in the figure's unit.
    log_score
        Sum of the log densities of those predictions: larger is better.
    family_error
        Root mean square error of each family predicted from the others; None where that cannot be done.
    """

    name: str
    equation: str
    weight: float
    error: float
    log_score: float
    family_error: float | None


@dataclass(frozen=True)
class Gate:
    """Whether a form is told from its rivals.

    ``form`` is its name if so, else None; ``reason`` says in words what was found; ``exponent`` is there only where the
    form has one and the data bound it.
    """

    form: str | None
    reason: str
    exponent: Exponent | None = None

    @property
    def passed(self) -> bool:
        """Whether a form was told from the others."""
        return self.form is not None


def score_forms(posterior: Posterior) -> list[FormScore]:
    """Score all forms by leaving out models and families."""
    curve = posterior.curve
    predicted, densities = posterior.left_out()
    by_family = _family_errors(curve)
    return [
        FormScore(
            form.name,
            form.equation,
            float(posterior.form_weights[f]),
            float(np.sqrt(np.mean((predicted[f] - curve.y) ** 2))),
            float(densities[f].sum()),
            None if by_family is None else float(by_family[f]),
        )
        for f, form in enumerate(FORMS)
    ]


def judge(posterior: Posterior, scores: list[FormScore] | None = None) -> Gate:
    """Say whether the data tell one form from the others.

    A form passes that has a probability of at least 0.9 among its rivals, predicts left-out models better than each of
    them (log density), and whose exponent, if it has one, the profile likelihood bounds on both sides and away from 0.
    """
    n_sizes = posterior.curve.n_sizes
    if n_sizes < LEAST_GATE_SIZES:
        return Gate(None, f"{n_sizes} sizes are too few to tell forms apart: {LEAST_GATE_SIZES} are needed")
    scored = scores or score_forms(posterior)
    ranked = sorted(scored, key=lambda score: -score.weight)
    best, second = ranked[0], ranked[1]
    if best.weight < CERTAINTY:
        return Gate(
            None,
            f"the data do not tell the forms apart: {best.name} has probability {best.weight:.2f}, {second.name} "
            f"{second.weight:.2f}, and {CERTAINTY:.2f} is needed",
        )
    foretold = max(scored, key=lambda score: score.log_score)
    if foretold.name != best.name:
        return Gate(
            None,
            f"{best.name} fits best (probability {best.weight:.2f}), but {foretold.name} predicts left-out models "
            "better",
        )
    told = f"{best.name} has probability {best.weight:.2f} and predicts left-out models best"
    if not next(form for form in FORMS if form.name == best.name).has_exponent:
        return Gate(best.name, told)
    exponent = fit_exponent(posterior.curve, best.name)
    if not (exponent.is_closed and exponent.excludes_zero):
        return Gate(None, f"{told}, but its exponent is not bounded away from 0 on both sides")
    return Gate(best.name, told, exponent)


def _family_errors(curve: Curve) -> Floats | None:
    """Error of each form on families that it was not fitted to, (forms,); None without two families of enough sizes."""
    families = np.array(curve.families)
    squares = []
    for family in np.unique(families):
        rest = curve.only(families != family)
        if rest.n_sizes < LEAST_SIZES:
            continue
        fitted = fit_forms(rest)
        for row in np.flatnonzero(families == family):
            means = [fitted.predict(curve.n_parameters[row], form=f).mean for f in range(len(FORMS))]
            squares.append((np.array(means) - curve.y[row]) ** 2)
    return np.sqrt(np.mean(squares, axis=0)) if squares and len(np.unique(families)) > 1 else None
