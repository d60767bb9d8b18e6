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

RELEASE_ALPHAS: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)
"""Penalties of the published analysis, ``numpy.logspace(-3, 3, 7)``."""


@dataclass(frozen=True)
class Decomposition:
    """Eigendecomposition of doubly centred Gram matrices.

    Attributes
    ----------
    eigenvalues
        float64, shape (..., n - 1), not negative.
    vectors
        float64, shape (..., n, n - 1): orthonormal columns, each summing to zero.
    """

    eigenvalues: Floats
    vectors: Floats

    def resolvent(self, alpha: Floats) -> Floats:
        """Return ``H = C (C'KC + alpha I)^-1 C'``, with C the contrasts; its rows and columns sum to zero.

        Parameters
        ----------
        alpha
            float64, broadcastable to the batch shape of the eigenvalues.

        Returns
        -------
        float64, shape (..., n, n). ``H @ Y`` are the dual coefficients of the ridge regression on ``Y``.
        """
        weighted = self.vectors / (self.eigenvalues + alpha[..., None])[..., None, :]
        return weighted @ np.swapaxes(self.vectors, -1, -2)


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
    vectors = decomposition.vectors[..., None, :, :]
    rotated = np.swapaxes(vectors, -1, -2) @ target_gram @ vectors
    errors = []
    for alpha in alphas:
        weights = 1.0 / (decomposition.eigenvalues + alpha)
        weighted = vectors * weights[..., None, None, :]
        leverage = np.einsum("...ij,...j->...i", decomposition.vectors**2, weights)[..., None, :]
        squared = np.einsum("...ij,...ij->...i", weighted @ rotated, weighted)
        errors.append((squared / leverage**2).sum(axis=-1))
    return np.stack(errors, axis=-1)


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
