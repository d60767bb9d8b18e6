"""Ridge regression with an intercept, solved in the space of samples.

For few samples ``n`` and many features ``d`` everything that ridge regression needs is an ``n x n`` matrix:
the Gram matrix of the features gives one eigendecomposition that serves every target, subject and penalty,
and the Gram matrix of the targets gives the leave-one-out errors without looking at single targets.

The intercept is kept out of the penalty by working in the ``n - 1`` dimensional space of contrasts, the
vectors that sum to zero: there centring is free and no eigenvector has to be recognised as the constant one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import helmert

from brainalign.errors import InputError

Floats = NDArray[np.float64]

VERSION = 1
"""Raised by hand when the meaning of a fit or a score of this package changes."""
RELEASE_ALPHAS: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)
"""Penalties of the published analysis, ``numpy.logspace(-3, 3, 7)``."""


@dataclass(frozen=True)
class Decomposition:
    """Eigendecomposition of Gram matrices.

    Attributes
    ----------
    eigenvalues
        float64, (..., m), not negative; m = n - 1 with an intercept, n without.
    vectors
        float64, (..., n, m): orthonormal columns; with an intercept each sums to zero.
    """

    eigenvalues: Floats
    vectors: Floats

    def resolvent(self, alphas: Floats) -> Floats:
        """Return ``H = C (C'KC + alpha I)^-1 C'``, with C the contrasts (without intercept: the identity).

        Parameters
        ----------
        alphas
            float64, (..., A), batch shape as the eigenvalues or broadcastable to it: A penalties for each.

        Returns
        -------
        float64, (..., A, n, n). ``H @ Y`` are the dual coefficients of the ridge regression on ``Y``; with an intercept
        rows and columns sum to zero, so that neither features nor targets need centring.
        """
        weights = 1.0 / (self.eigenvalues[..., None, :] + alphas[..., None])
        transposed = np.ascontiguousarray(self.vectors.swapaxes(-1, -2))  # small products are faster on plain layouts
        return (self.vectors[..., None, :, :] * weights[..., None, :]) @ transposed[..., None, :, :]


def decompose(gram: Floats) -> Decomposition:
    """Decompose Gram matrices of features, ignoring what is constant over samples.

    Parameters
    ----------
    gram
        float64, shape (..., n, n): ``X X'``. Centring X first is not needed but saves digits.

    Raises
    ------
    InputError
        If there are fewer than two samples.
    """
    n = gram.shape[-1]
    if n < 2:
        raise InputError(f"expected at least 2 samples for a ridge regression with intercept, found {n}: add samples")
    contrasts = helmert(n).T
    eigenvalues, rotated = np.linalg.eigh(contrasts.T @ gram @ contrasts)
    return Decomposition(np.maximum(eigenvalues, 0.0), contrasts @ rotated)


def decompose_through_origin(gram: Floats) -> Decomposition:
    """Decompose Gram matrices (..., n, n) for a regression without intercept."""
    eigenvalues, vectors = np.linalg.eigh(gram)
    return Decomposition(np.maximum(eigenvalues, 0.0), vectors)


def leave_one_out_errors(decomposition: Decomposition, target_gram: Floats, alphas: Floats) -> Floats:
    """Sum of squared leave-one-out errors over samples and targets, for every penalty.

    The residual of sample i, when the model (intercept included) is fitted on the others, is
    ``(H Y)_i / H_ii`` with H the resolvent; its squared norm over targets is ``(H Y Y' H)_ii / H_ii^2``.

    Parameters
    ----------
    decomposition
        Of the features, batch shape (...).
    target_gram
        float64, shape (..., S, n, n) or (S, n, n): ``Y Y'`` of S sets of targets on the same samples.
    alphas
        float64, shape (A,).

    Returns
    -------
    float64, shape (..., S, A).

    References
    ----------
    Rifkin, R. M. & Lippert, R. A. (2007). Notes on regularized least squares. MIT-CSAIL-TR-2007-025.
    """
    resolvents = decomposition.resolvent(alphas)
    leverage = np.diagonal(resolvents, axis1=-2, axis2=-1)
    # sum_i (H G H)_ii / H_ii^2 = <G, H diag(H_ii^-2) H>, where the second factor is shared by all sets of targets.
    weights = (resolvents / leverage[..., None, :]) @ (resolvents / leverage[..., :, None])
    *batch, n_alphas, n, _ = weights.shape
    flat_targets = target_gram.reshape(*target_gram.shape[:-2], n * n)
    errors: Floats = flat_targets @ weights.reshape(*batch, n_alphas, n * n).swapaxes(-1, -2)
    return errors


def choose_alphas(decomposition: Decomposition, target_gram: Floats, alphas: Floats) -> Floats:
    """Penalty with the smallest leave-one-out error, one for all targets of a set; shape (..., S).

    The first of equal ones wins, as in scikit-learn's ``RidgeCV``.
    """
    return alphas[leave_one_out_errors(decomposition, target_gram, alphas).argmin(axis=-1)]


def checked_alphas(alphas: object) -> Floats:
    """Return the penalties as a float64 vector.

    Raises
    ------
    InputError
        If they are not a non-empty vector of positive finite numbers.
    """
    values = np.atleast_1d(np.asarray(alphas, dtype=np.float64))
    if values.ndim != 1 or values.size == 0 or not (np.isfinite(values) & (values > 0)).all():
        raise InputError(f"expected a list of positive penalties alphas, found {alphas!r}: give e.g. [0.1, 1, 10]")
    return values
