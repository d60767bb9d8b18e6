"""Ridge regression with leave-one-out choice of the penalty, as a scikit-learn estimator."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from brainalign.encoding.ridge import (
    RELEASE_ALPHAS,
    Floats,
    checked_alphas,
    decompose,
    decompose_through_origin,
    leave_one_out_errors,
)


class RidgeLOO(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Linear regression with an L2 penalty chosen by efficient leave-one-out, one for all targets.

    The same estimator as ``sklearn.linear_model.RidgeCV(alphas)``, solved in the space of samples, which suits few
    samples with many features. For many feature sets or subjects at once, use
    :func:`brainalign.encoding.predictivity` instead.

    Parameters
    ----------
    alphas : sequence of float
        Positive penalties to choose from.
    fit_intercept : bool, default=True
        Whether to fit an unpenalised intercept.

    Attributes
    ----------
    alpha_ : float
        The penalty with the smallest mean squared leave-one-out error.
    best_score_ : float
        Minus that error, over samples and targets.
    coef_ : ndarray of float64, (n_features,) or (n_targets, n_features)
    intercept_ : float or ndarray of float64, (n_targets,)
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = RidgeLOO(alphas=(1e-3, 1e3)).fit(X, [1.0, 3.0, 5.0, 7.0])
    >>> model.alpha_, model.predict([[4.0]]).round(2).tolist()
    (0.001, [9.0])

    References
    ----------
    Rifkin, R. M. & Lippert, R. A. (2007). Notes on regularized least squares. MIT-CSAIL-TR-2007-025.
    """

    def __init__(self, alphas: tuple[float, ...] = RELEASE_ALPHAS, *, fit_intercept: bool = True) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Choose the penalty and fit on X, float (n_samples, n_features), and y, (n_samples,) or (n_samples, v)."""
        features, targets = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, multi_output=True, ensure_min_samples=2
        )
        targets = np.asarray(targets, dtype=np.float64)
        columns = targets.reshape(len(targets), -1)
        x_mean, y_mean = features.mean(axis=0), columns.mean(axis=0)
        if not self.fit_intercept:
            x_mean, y_mean = np.zeros_like(x_mean), np.zeros_like(y_mean)
        centred, residual = features - x_mean, columns - y_mean
        split = decompose if self.fit_intercept else decompose_through_origin
        decomposition = split(centred @ centred.T)
        alphas = checked_alphas(self.alphas)
        errors = leave_one_out_errors(decomposition, (residual @ residual.T)[None], alphas)[0]
        best = int(errors.argmin())
        dual = decomposition.resolvent(alphas[best : best + 1])[0] @ residual
        coefficients = dual.T @ centred
        intercept = y_mean - coefficients @ x_mean
        self.alpha_ = float(alphas[best])
        self.best_score_ = -float(errors[best]) / columns.size
        self.coef_: Floats = coefficients if targets.ndim == 2 else coefficients[0]
        self.intercept_: Floats | float = intercept if targets.ndim == 2 else float(intercept[0])
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict targets, (n_samples,) or (n_samples, n_targets), for X, float (n_samples, n_features)."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(features @ self.coef_.T + self.intercept_)
