"""Principal components, and how much of them chance alone would explain."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from brainalign.errors import InputError
from brainalign.statistics.stratified import Floats


@dataclass(frozen=True)
class Components:
    """Principal components of n rows.

    Attributes
    ----------
    scores
        float64, (n, k): the rows in the plane of the components, in the unit of the values.
    axes
        float64, (k, d): unit vectors; the largest entry of each is positive, so that a picture has one orientation.
    mean
        float64, (d,): what was subtracted.
    explained
        float64, (k,): share of the total variance.
    """

    scores: Floats
    axes: Floats
    mean: Floats
    explained: Floats

    def project(self, rows: ArrayLike) -> Floats:
        """Scores (m, k) of other rows (m, d) on the same axes."""
        projected: Floats = (np.asarray(rows, dtype=np.float64) - self.mean) @ self.axes.T
        return projected


def principal_components(rows: ArrayLike, n_components: int = 2) -> Components:
    """Find the directions of the largest variance.

    Parameters
    ----------
    rows
        float, (n, d), at least two rows.
    n_components
        At most min(n - 1, d); fewer are given where there are not as many.

    Raises
    ------
    InputError
        Fewer than two rows, or a value is not finite.
    """
    values = _checked(rows)
    mean = values.mean(axis=0)
    left, singular, axes = np.linalg.svd(values - mean, full_matrices=False)
    k = min(n_components, len(values) - 1, len(axes))
    signs = np.sign(axes[np.arange(k), np.abs(axes[:k]).argmax(axis=1)])
    total = float((singular**2).sum())
    explained = singular[:k] ** 2 / total if total > 0 else np.zeros(k)
    return Components(left[:, :k] * singular[:k] * signs, axes[:k] * signs[:, None], mean, explained)


def chance_explained(
    rows: ArrayLike, *, rng: np.random.Generator, n_components: int = 2, n_draws: int = 50, level: float = 0.95
) -> Floats:
    """Share of variance that components explain where the columns have nothing to do with one another.

    Parallel analysis: every column is shuffled on its own, which keeps its values and breaks what columns share.

    Parameters
    ----------
    rows
        float, (n, d).
    rng, n_draws, level
        The quantile over so many draws is given.

    Returns
    -------
    float64, (k,).

    References
    ----------
    Horn, J. L. (1965). A rationale and test for the number of factors. Psychometrika 30, 179-185.
    """
    values = _checked(rows)
    centred = values - values.mean(axis=0)
    k = min(n_components, len(values) - 1, values.shape[1])
    total = float((centred**2).sum())
    shares = np.zeros((n_draws, k))
    for draw in range(n_draws if total > 0 else 0):
        shuffled = rng.permuted(centred, axis=0)
        eigenvalues = np.linalg.eigvalsh(shuffled @ shuffled.T)[::-1]
        shares[draw] = eigenvalues[:k] / total
    quantiles: Floats = np.quantile(shares, level, axis=0)
    return quantiles


def classical_scaling(distances: ArrayLike, n_components: int = 2) -> tuple[Floats, Floats]:
    """Place points in a plane so that their distances are as given, as far as that goes (classical MDS).

    Parameters
    ----------
    distances
        float, (n, n), symmetric.

    Returns
    -------
    tuple of float64 (n, k) and (k,)
        Coordinates, and the share of all positive eigenvalues that each axis has.

    References
    ----------
    Torgerson, W. S. (1952). Multidimensional scaling. Psychometrika 17, 401-419.
    """
    squares = _checked(distances) ** 2
    n = len(squares)
    if squares.shape != (n, n) or not np.allclose(squares, squares.T, atol=1e-8):
        raise InputError(f"expected a symmetric matrix of distances, found one of shape {squares.shape}")
    centring = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(-0.5 * centring @ squares @ centring)
    order = np.argsort(values)[::-1][:n_components]
    kept = np.maximum(values[order], 0.0)
    places = vectors[:, order] * np.sqrt(kept)
    signs = np.sign(places[np.abs(places).argmax(axis=0), np.arange(len(order))])
    positive = float(values[values > 0].sum())
    return places * np.where(signs == 0, 1.0, signs), kept / positive if positive > 0 else np.zeros(len(order))


def _checked(rows: ArrayLike) -> Floats:
    values = np.asarray(rows, dtype=np.float64)
    if values.ndim != 2 or len(values) < 2 or not np.isfinite(values).all():
        raise InputError(f"expected two or more rows of finite values, found shape {values.shape}: leave out others")
    return values
