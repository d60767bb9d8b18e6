"""All forms fitted to a curve at once: every node of every form under every scatter of models, weighed by likelihood.

A figure is the form's value, plus a scatter between models of unknown size tau, plus the error of measurement:
``y ~ N(offset + basis c, covariance + tau^2)``. Coefficients are integrated out exactly, nonlinear parameters and tau
by summing over their grid, so that a prediction carries what is unknown of each, and of the form.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp

from brainalign.statistics.scaling.curve import Curve
from brainalign.statistics.scaling.forms import FORMS, Nodes, relative_sizes
from brainalign.statistics.scaling.mixture import Mixture
from brainalign.statistics.stratified import Floats

SCATTERS = np.geomspace(0.002, 0.2, 11)
"""Scatters between models that are tried, as shares of the figure's range, all equally likely before."""
CAUTION = 0.6
"""Power that forecasts raise the forms' evidence to. At 1, intervals cover too rarely just where a form seems told."""
_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Posterior:
    """Fitted nodes, K = (nodes of all forms) x (scatters) of them.

    Attributes
    ----------
    form
        int64, (K,): index into `FORMS`.
    exponents
        float64, (K,): per unit of t, NaN without one.
    tau
        float64, (K,): scatter, in the figure's unit.
    log_joint
        float64, (K,): log likelihood plus log prior within the form.
    precision, solved
        float64, (K, n, n) and (K, n): inverse of the figures' covariance, and that times the residuals.
    """

    curve: Curve
    form: np.ndarray
    exponents: Floats
    tau: Floats
    log_joint: Floats
    precision: Floats
    solved: Floats

    @cached_property
    def log_evidence(self) -> Floats:
        """Log of the likelihood of each form of `FORMS`, all else summed over, (5,)."""
        return np.array([logsumexp(self.log_joint[self.form == f]) for f in range(len(FORMS))])

    @cached_property
    def form_weights(self) -> Floats:
        """Probability of each form of `FORMS`, equally likely before, (5,)."""
        return np.asarray(np.exp(self.log_evidence - logsumexp(self.log_evidence)))

    def predict(self, n_parameters: float, error: float = 0.0, form: int | None = None) -> Mixture:
        """Predict the figure of one more model of a size.

        Parameters
        ----------
        n_parameters : float
            Its size.
        error : float
            Standard error that its own measurement will have.
        form : int, optional
            Under one form alone; else under all, weighed by their evidence to the power of `CAUTION`.

        References
        ----------
        Grünwald, P. & van Ommen, T. (2017). Inconsistency of Bayesian inference for misspecified linear models, and a
        proposal for repairing it. Bayesian Anal. 12, 1069-1103. doi 10.1214/17-BA1085
        """
        target = float(relative_sizes(np.array(n_parameters, dtype=np.float64), *self.curve.span))
        means, variances = [], []
        n_scatters = len(SCATTERS)
        for f, nodes in enumerate(_nodes(self.curve, target)):
            rows = self.form == f
            cross, own = nodes.covariance[:, -1, :-1], nodes.covariance[:, -1, -1]
            cross, own, offset = (np.repeat(part, n_scatters, axis=0) for part in (cross, own, nodes.offset[:, -1]))
            means.append(offset + (cross * self.solved[rows]).sum(axis=1))
            known = np.einsum("ki,kij,kj->k", cross, self.precision[rows], cross)
            variances.append(np.maximum(own - known, 0.0) + self.tau[rows] ** 2 + error**2)
        chosen = slice(None) if form is None else self.form == form
        weights = self.log_joint - (1 - CAUTION) * self.log_evidence[self.form]
        return Mixture.of(weights[chosen], np.concatenate(means)[chosen], np.concatenate(variances)[chosen])

    def left_out(self) -> tuple[Floats, Floats]:
        """Predict each model from the others: means (forms, n) and log densities of what was measured (forms, n)."""
        own = np.diagonal(self.precision, axis1=1, axis2=2)
        means, variances = self.curve.y - self.solved / own, 1 / own
        densities = -0.5 * (_LOG_2PI + np.log(variances) + (self.curve.y - means) ** 2 / variances)
        without = self.log_joint[:, None] - densities
        predicted, scores = [], []
        for f in range(len(FORMS)):
            rows = self.form == f
            total = logsumexp(without[rows], axis=0)
            predicted.append((np.exp(without[rows] - total) * means[rows]).sum(axis=0))
            scores.append(logsumexp(self.log_joint[rows]) - total)
        return np.array(predicted), np.array(scores)


def fit_forms(curve: Curve) -> Posterior:
    """Fit all forms to a curve."""
    tau = SCATTERS * curve.scale.width
    noise = curve.covariance + tau[:, None, None] ** 2 * np.eye(len(curve.y))
    parts = []
    for f, nodes in enumerate(_nodes(curve)):
        n_nodes = len(nodes.offset)
        covariance = (nodes.covariance[:, None] + noise).reshape(-1, *noise.shape[1:])
        residuals = np.repeat(curve.y - nodes.offset, len(tau), axis=0)
        precision = np.linalg.inv(covariance)
        solved = np.einsum("kij,kj->ki", precision, residuals)
        _, log_determinants = np.linalg.slogdet(covariance)
        fitted = -0.5 * ((solved * residuals).sum(axis=1) + log_determinants + len(curve.y) * _LOG_2PI)
        joint = fitted - np.log(len(covariance))
        exponents = np.repeat(nodes.exponents, len(tau))
        parts.append((np.full(len(joint), f), exponents, np.tile(tau, n_nodes), joint, precision, solved))
    return Posterior(curve, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def _nodes(curve: Curve, target: float | None = None) -> list[Nodes]:
    """Nodes of all forms at a curve's sizes, and at one more size after them."""
    t = curve.t if target is None else np.append(curve.t, target)
    return [form.nodes(t, curve.scale) for form in FORMS]
