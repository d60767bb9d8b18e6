"""A scaling curve: one measured figure of several models, with what is known of its errors."""

from dataclasses import dataclass, replace

import numpy as np

from brainalign.errors import InputError
from brainalign.statistics.scaling.forms import Scale, relative_sizes
from brainalign.statistics.stratified import Floats

LEAST_SIZES = 3
"""Different sizes below which nothing is fitted."""


@dataclass(frozen=True)
class Curve:
    """Figures of n models.

    Attributes
    ----------
    n_parameters
        float64, (n,): sizes, in parameters.
    y
        float64, (n,): the figure.
    covariance
        float64, (n, n): of the errors of `y`; not diagonal where models were asked the same problems.
    families
        Of each model.
    scale
        What the figure can be.
    span
        Smallest and largest size that t is measured between; those of the curve if left out.
    """

    n_parameters: Floats
    y: Floats
    covariance: Floats
    families: tuple[str, ...]
    scale: Scale
    span: tuple[float, float]

    @classmethod
    def of(
        cls, n_parameters: Floats, y: Floats, covariance: Floats, families: tuple[str, ...], scale: Scale
    ) -> "Curve":
        """Make a curve.

        Raises
        ------
        InputError
            Lengths differ, something is not finite, or there are fewer than three sizes.
        """
        sizes, n = np.asarray(n_parameters, dtype=np.float64), len(n_parameters)
        if y.shape != (n,) or covariance.shape != (n, n) or len(families) != n:
            raise InputError(f"expected {n} figures with their covariance and families, found {y.shape}: align them")
        if not (np.isfinite(sizes).all() and np.isfinite(y).all() and np.isfinite(covariance).all()):
            raise InputError("expected finite sizes, figures and covariances, found others: leave such models out")
        if len(np.unique(sizes)) < LEAST_SIZES:
            raise InputError(
                f"expected at least {LEAST_SIZES} sizes, found {len(np.unique(sizes))}: measure more models"
            )
        return cls(sizes, y, covariance, families, scale, (float(sizes.min()), float(sizes.max())))

    @property
    def t(self) -> Floats:
        """Sizes between 0 and 1, (n,)."""
        return relative_sizes(self.n_parameters, *self.span)

    @property
    def n_sizes(self) -> int:
        """Different sizes."""
        return len(np.unique(self.n_parameters))

    def only(self, kept: np.ndarray) -> "Curve":
        """Keep some models, with t measured as before."""
        rows = np.flatnonzero(kept)
        families = tuple(self.families[row] for row in rows)
        covariance = self.covariance[np.ix_(rows, rows)]
        return replace(
            self, n_parameters=self.n_parameters[rows], y=self.y[rows], covariance=covariance, families=families
        )
