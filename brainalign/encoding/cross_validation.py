"""Held-out predictions of many feature sets for many subjects: folds, fits and correlations."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedKFold

from brainalign.encoding.ridge import Floats, choose_alphas, decompose
from brainalign.encoding.threads import map_in_threads, single_threaded_blas
from brainalign.errors import InputError

Rows = NDArray[np.int64]

_BLOCK = 10
"""Feature sets solved together: few enough for their matrices to stay in the cache."""

_CONSTANT = 1e-12
"""A vector whose deviation from its mean is smaller than this share of its size counts as constant."""


def stratified_folds(strata: ArrayLike, n_splits: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Training and held-out rows of shuffled folds with the same mixture of strata.

    Raises
    ------
    InputError
        If a stratum has fewer rows than there are folds, or a training fold would have fewer than three rows.
    """
    labels = np.asarray(strata)
    names, counts = np.unique(labels, return_counts=True)
    if n_splits < 2 or counts.min() < n_splits:
        sizes = ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))
        raise InputError(
            f"expected 2 to {counts.min()} folds for {sizes} trials, found n_splits={n_splits}: use fewer folds or "
            "more trials"
        )
    splitter = StratifiedKFold(n_splits, shuffle=True, random_state=seed)
    return [(train, test) for train, test in splitter.split(np.zeros(len(labels)), labels)]


def gram_over_features(X: NDArray[np.generic]) -> Floats:
    """Gram matrices over features, float64 (F, n, n), of X (F, n, d) centred over trials.

    Only differences between trials matter to a regression with intercept; taking the mean off first keeps digits when
    states share a large constant, as those of language models do. One set at a time bounds memory.
    """
    grams = np.empty((len(X), X.shape[1], X.shape[1]))
    for gram, features in zip(grams, X, strict=True):
        centred = features.astype(np.float64)
        centred -= centred.mean(axis=0)
        np.matmul(centred, centred.T, out=gram)
    return grams


def heldout_correlations(
    X: NDArray[np.generic], Y: Mapping[str, Floats], folds: list[tuple[Rows, Rows]], alphas: Floats
) -> tuple[dict[str, Floats], Floats]:
    """Correlate held-out predictions with the betas, voxel by voxel, and average over folds.

    Parameters
    ----------
    X
        float, (F, n, d): feature sets.
    Y
        subject -> float64, (n, v).
    folds
        Training and held-out rows.
    alphas
        float64, (A,): penalties; each feature set, subject and fold chooses one for all voxels on the training rows.

    Returns
    -------
    correlations
        subject -> float64, (F, v): mean over the folds in which r is defined, NaN where it is in none. It is undefined
        if the voxel or its prediction is constant over the held-out rows.
    chosen
        float64, (F, S, folds): penalties.
    """
    with single_threaded_blas() as n_threads:
        target_grams = np.stack([betas @ betas.T for betas in Y.values()])

        def score(features: NDArray[np.generic]) -> tuple[dict[str, Floats], Floats]:
            grams = gram_over_features(features)
            parts = [_fold_correlations(grams, Y, fold, target_grams, alphas) for fold in folds]
            means = {subject: _mean_of_defined([correlations[subject] for correlations, _ in parts]) for subject in Y}
            return means, np.stack([chosen for _, chosen in parts], axis=-1)

        blocks = [X[start : start + _BLOCK] for start in range(0, len(X), _BLOCK)]
        scored = map_in_threads(score, blocks, n_threads)
    means = {subject: np.concatenate([block_means[subject] for block_means, _ in scored]) for subject in Y}
    return means, np.concatenate([chosen for _, chosen in scored])


def _fold_correlations(
    grams: Floats, Y: Mapping[str, Floats], fold: tuple[Rows, Rows], target_grams: Floats, alphas: Floats
) -> tuple[dict[str, Floats], Floats]:
    """Correlations (F, v) of each subject on one held-out fold, and the penalties (F, S)."""
    train, test = fold
    decomposition = decompose(grams[:, train[:, None], train])
    chosen = choose_alphas(decomposition, target_grams[:, train[:, None], train], alphas)
    # r ignores what is constant over the held-out rows: neither intercept nor the training mean is needed.
    projected = _centred(grams[:, test[:, None], train], axis=1) @ decomposition.vectors
    transposed = np.ascontiguousarray(decomposition.vectors.swapaxes(1, 2))
    correlations = {}
    for index, (subject, betas) in enumerate(Y.items()):
        weights = 1.0 / (decomposition.eigenvalues + chosen[:, index, None])
        maps = (projected * weights[:, None, :]) @ transposed
        correlations[subject] = _correlations(maps, betas[train], betas[test])
    return correlations, chosen


def _correlations(maps: Floats, train: Floats, test: Floats) -> Floats:
    """Pearson's r (F, v) of predictions ``maps @ train``, maps (F, h, k) with centred columns, and test (h, v)."""
    n_sets, n_test, n_train = maps.shape
    predictions = (maps.reshape(-1, n_train) @ train).reshape(n_sets, n_test, -1)
    measured = _centred(test, axis=0)
    predicted_norm = np.sqrt(np.einsum("fhv,fhv->fv", predictions, predictions))
    measured_norm = np.sqrt(np.einsum("hv,hv->v", measured, measured))
    dot = np.einsum("fhv,hv->fv", predictions, measured)
    varies = (predicted_norm > _CONSTANT * np.abs(train).max(axis=0)) & (
        measured_norm > _CONSTANT * np.abs(test).max(0)
    )
    return np.divide(dot, predicted_norm * measured_norm, out=np.full_like(dot, np.nan), where=varies)


def _mean_of_defined(parts: list[Floats]) -> Floats:
    """Mean over parts of the entries that are not NaN; NaN where all are."""
    values = np.stack(parts)
    defined = np.isfinite(values)
    counts = defined.sum(axis=0)
    total = np.where(defined, values, 0.0).sum(axis=0)
    return np.divide(total, counts, out=np.full_like(total, np.nan), where=counts > 0)


def _centred(values: Floats, axis: int) -> Floats:
    return values - values.mean(axis=axis, keepdims=True)
