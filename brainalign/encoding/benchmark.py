"""Predictivity against scikit-learn's RidgeCV, looped over subjects, feature sets and folds: same scores, less time."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import RidgeCV

from brainalign.encoding.predictivity import PredictivityConfig, folds_of, predictivity
from brainalign.encoding.ridge import Floats

Made = TypeVar("Made")


@dataclass(frozen=True)
class EncodingBenchmark:
    """Outcome of one comparison on the same arrays in the same process.

    Attributes
    ----------
    seconds, cpu_seconds
        Wall and processor time of :func:`brainalign.encoding.predictivity` for all fits (median over repeats).
    reference_seconds, reference_cpu_seconds
        The same of the RidgeCV loop, scaled from the fits that were timed to all fits.
    n_fits, n_timed_fits
        Fits in all (feature sets x subjects x folds), and RidgeCV fits that were run.
    ratio, cpu_ratio
        Reference over ours.
    largest_difference
        Largest absolute difference between the scores of a subject and feature set, over those timed.
    same_alphas
        Whether every penalty chosen is the same.
    """

    seconds: float
    cpu_seconds: float
    reference_seconds: float
    reference_cpu_seconds: float
    n_fits: int
    n_timed_fits: int
    ratio: float
    cpu_ratio: float
    largest_difference: float
    same_alphas: bool

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain numbers."""
        return asdict(self)


def benchmark_encoding(
    X: ArrayLike,
    Y: Mapping[str, ArrayLike],
    strata: ArrayLike,
    config: PredictivityConfig | None = None,
    *,
    n_pairs: int | None = 60,
    n_repeats: int = 3,
) -> EncodingBenchmark:
    """Time predictivity and the RidgeCV loop on the same states and betas, and compare their scores.

    The loop does per subject, feature set and fold what the public release does: fit, predict, correlate. Correlations
    are vectorised over voxels in both, so that the ratio is about the ridge regressions.

    Parameters
    ----------
    X, Y, strata, config
        As for :func:`brainalign.encoding.predictivity`, X of shape (2L, n, d).
    n_pairs
        Pairs of feature set and subject for which RidgeCV is run, spread evenly over all of them; None for all.
    n_repeats
        Times that predictivity is run.
    """
    config = config or PredictivityConfig()
    features = np.asarray(X)
    betas = {subject: np.asarray(values, dtype=np.float64) for subject, values in Y.items()}
    runs = [_timed(lambda: predictivity(features, betas, strata, config)) for _ in range(n_repeats)]
    ours, seconds = runs[-1][0], np.median([taken for _, taken in runs], axis=0)

    n_all = len(features) * len(betas)
    pairs = np.unique(np.linspace(0, n_all - 1, min(n_pairs or n_all, n_all)).astype(int))
    sets, subjects = np.unravel_index(pairs, (len(features), len(betas)))
    folds = folds_of(strata, config)
    values = list(betas.values())
    reference, taken = _timed(
        lambda: [
            _looped_score(features[row].astype(np.float64), values[column], folds, config)
            for row, column in zip(sets, subjects, strict=True)
        ]
    )
    reference_seconds = taken * n_all / len(pairs)
    scores = np.array([score for score, _ in reference])
    alphas = np.array([chosen for _, chosen in reference])
    return EncodingBenchmark(
        seconds=float(seconds[0]),
        cpu_seconds=float(seconds[1]),
        reference_seconds=float(reference_seconds[0]),
        reference_cpu_seconds=float(reference_seconds[1]),
        n_fits=n_all * len(folds),
        n_timed_fits=len(pairs) * len(folds),
        ratio=float(reference_seconds[0] / seconds[0]),
        cpu_ratio=float(reference_seconds[1] / seconds[1]),
        largest_difference=float(np.abs(scores - ours.scores[sets, subjects]).max()),
        same_alphas=bool((alphas == ours.alphas[sets, subjects]).all()),
    )


def _looped_score(
    X: Floats, Y: Floats, folds: list[tuple[NDArray[np.int64], NDArray[np.int64]]], config: PredictivityConfig
) -> tuple[float, list[float]]:
    """Score of one subject and feature set, and the penalties chosen, one RidgeCV a fold."""
    correlations, alphas = [], []
    for train, test in folds:
        model = RidgeCV(alphas=config.alphas).fit(X[train], Y[train])
        prediction = model.predict(X[test])
        prediction = prediction - prediction.mean(axis=0)
        measured = Y[test] - Y[test].mean(axis=0)
        norms = np.linalg.norm(prediction, axis=0) * np.linalg.norm(measured, axis=0)
        correlations.append((prediction * measured).sum(axis=0) / norms)
        alphas.append(float(model.alpha_))
    return float(np.median(np.mean(correlations, axis=0))), alphas


def _timed(work: Callable[[], Made]) -> tuple[Made, Floats]:
    """Do the work once; return what it made, and its wall and processor seconds."""
    start = np.array([time.perf_counter(), time.process_time()])
    made = work()
    return made, np.array([time.perf_counter(), time.process_time()]) - start
