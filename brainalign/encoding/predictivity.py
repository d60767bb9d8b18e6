"""Neural predictivity: how well a model's states predict each subject's voxels on held-out problems."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainalign.encoding.cross_validation import Rows, heldout_correlations, stratified_folds
from brainalign.encoding.ridge import RELEASE_ALPHAS, Floats, checked_alphas
from brainalign.encoding.trials import by_trials, recorded
from brainalign.errors import InputError
from brainalign.statistics import median_absolute_deviation

FEW_HELD_OUT = 6
"""Held-out trials below which a correlation over them says next to nothing by itself."""
SITES: tuple[Literal["attention"], Literal["layer"]] = ("attention", "layer")


class Place(NamedTuple):
    """Where in a model a feature set was read: site, and layer counting from 0."""

    site: Literal["attention", "layer"]
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody wants of a place


@dataclass(frozen=True)
class PredictivityConfig:
    """Settings of the published analysis by default.

    Attributes
    ----------
    n_splits
        Folds, stratified by the strata given (reasoning types).
    seed
        Of the shuffle before folding.
    n_repeats
        Foldings with seeds ``seed, seed + 1, …``; scores are means over all folds of all of them.
    alphas
        Ridge penalties, chosen on the training fold by leave-one-out, one for all voxels.
    """

    n_splits: int = 5
    seed: int = 1
    n_repeats: int = 1
    alphas: tuple[float, ...] = RELEASE_ALPHAS


@dataclass(frozen=True)
class Predictivity:
    """Scores of F = 2L feature sets (attention outputs of all layers, then layer outputs) for S subjects.

    Attributes
    ----------
    scores
        float64, (F, S): median over voxels of Pearson's r on held-out problems (mean over folds). NaN where no voxel
        has a defined r, because the features do not vary.
    voxel_scores
        subject -> float32, (F, v): the r of each voxel, NaN where it is defined in no fold.
    alphas
        float64, (F, S, folds): the penalties chosen.
    subjects
        Keys of the betas, in the order of the columns of ``scores``.
    subset
        ``"all"`` or the stratum that the score is restricted to.
    n_trials
        Problems used.
    subject_trials
        Those that each subject had a trial with, in the order of ``subjects``.
    n_held_out
        Trials of the smallest held-out fold.
    """

    scores: Floats
    voxel_scores: Mapping[str, NDArray[np.float32]]
    alphas: Floats
    subjects: tuple[str, ...]
    subset: str
    n_trials: int
    subject_trials: tuple[int, ...]
    n_held_out: int

    @property
    def layer_scores(self) -> Floats:
        """Median over subjects of each feature set, (F,); NaN if it is undefined for a subject."""
        return np.asarray(np.median(self.scores, axis=1))

    @property
    def best_set(self) -> int:
        """Row of the feature set with the largest median over subjects."""
        return int(np.nanargmax(self.layer_scores))

    @property
    def best(self) -> Place:
        """Site and layer of the best feature set."""
        return self.place(self.best_set)

    @property
    def score(self) -> float:
        """Largest median over subjects: the model's score. The maximum is taken on the folds that it is scored on."""
        return float(self.layer_scores[self.best_set])

    @property
    def mad(self) -> float:
        """Median absolute deviation over subjects at the best feature set."""
        return median_absolute_deviation(self.scores[self.best_set])

    def place(self, row: int) -> Place:
        """Site and layer of a row of ``scores``."""
        n_layers = len(self.scores) // 2
        return Place(SITES[row // n_layers], row % n_layers)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know: that a fold may hold too few trials for its r to say much."""
        fewest, held_out = min(self.subject_trials), self.n_held_out
        if held_out >= FEW_HELD_OUT:
            return ()
        return (
            f"{fewest} trials of a subject, {held_out} in a held-out fold: where there is nothing to find, r over so "
            f"few has a standard deviation of about {1 / math.sqrt(max(1, held_out - 1)):.2f}, and the score is the "
            "best of all layers; hold it beside the shuffled arm of a study",
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers: the score, its spread, where it is reached, and all layers' and subjects' scores."""
        return {
            "score": self.score,
            "mad": self.mad,
            "best_layer": self.best._asdict(),
            "scores": [None if np.isnan(score) else float(score) for score in self.layer_scores],
            "subjects": {
                name: float(score) for name, score in zip(self.subjects, self.scores[self.best_set], strict=True)
            },
            "subset": self.subset,
            "n_trials": self.n_trials,
            "subject_trials": dict(zip(map(str, self.subjects), self.subject_trials, strict=True)),
            "n_subjects": len(self.subjects),
        }


def predictivity(
    X: ArrayLike,
    Y: Mapping[str, ArrayLike],
    strata: ArrayLike,
    config: PredictivityConfig | None = None,
    *,
    subset: str = "all",
) -> Predictivity:
    """Cross-validated ridge predictivity of every feature set for every subject.

    Parameters
    ----------
    X
        float, (2L, n, d) or (2, L, n, d): attention outputs of the L layers, then layer outputs, for n problems.
    Y
        subject -> float, (n, v): betas on the same problems; a row is NaN as a whole where the subject had no trial.
        A subject is fitted and scored on its own trials; subjects with the same ones share their folds.
    strata
        (n,): reasoning type of each problem; folds are stratified by it.
    config
        Folds and penalties; the published settings by default.
    subset
        ``"all"``, or one of the strata: only its problems are used, for fitting too.

    Raises
    ------
    InputError
        If shapes disagree, values are not finite, no layer or no voxel of a subject varies, or folds are too small.

    References
    ----------
    Schrimpf, M. et al. (2021). The neural architecture of language. PNAS 118, e2105646118. doi 10.1073/pnas.2105646118
    """
    config = config or PredictivityConfig()
    features = _checked_features(np.asarray(X))
    types = np.asarray(strata)
    if types.shape != features.shape[1:2]:
        raise InputError(f"expected one stratum for each of {features.shape[1]} problems, found shape {types.shape}")
    rows = _rows_of(types, subset)
    betas = {subject: _checked_betas(subject, values, len(types))[rows] for subject, values in Y.items()}
    if not betas:
        raise InputError("expected betas of at least one subject, found none: check the choice of subjects")
    correlations, chosen = _scored(features, betas, types, rows, config)
    scores = np.stack([_median_over_voxels(correlations[subject]) for subject in betas], axis=1)
    if np.isnan(scores).any(axis=1).all():
        raise InputError("expected a layer whose states vary over problems, found none: extract the states again")
    trials = [int(recorded(values, subject).sum()) for subject, values in betas.items()]
    return Predictivity(
        scores=scores,
        voxel_scores={subject: correlations[subject].astype(np.float32) for subject in betas},
        alphas=np.stack([chosen[subject] for subject in betas], axis=1),
        subjects=tuple(betas),
        subset=subset,
        n_trials=len(rows),
        subject_trials=tuple(trials),
        n_held_out=min(trials) // config.n_splits,
    )


def _scored(
    features: NDArray[Any],
    betas: Mapping[str, Floats],
    types: NDArray[Any],
    rows: NDArray[np.intp],
    config: PredictivityConfig,
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Correlations (F, v) and penalties (F, folds) of each subject, those with the same trials together."""
    alphas = checked_alphas(config.alphas)
    correlations: dict[str, Floats] = {}
    chosen: dict[str, Floats] = {}
    for subjects, there in by_trials(betas):
        own = rows[there]
        used = features if len(own) == features.shape[1] else features[:, own]
        found, penalties = heldout_correlations(
            used, {subject: betas[subject][there] for subject in subjects}, folds_of(types[own], config), alphas
        )
        correlations |= found
        chosen |= {subject: penalties[:, place] for place, subject in enumerate(subjects)}
    return correlations, chosen


def folds_of(strata: ArrayLike, config: PredictivityConfig) -> list[tuple[Rows, Rows]]:
    """Training and held-out rows of all folds of all repeats."""
    seeds = range(config.seed, config.seed + config.n_repeats)
    return [fold for seed in seeds for fold in stratified_folds(strata, config.n_splits, seed)]


def _median_over_voxels(correlations: Floats) -> Floats:
    """Median of each row over its defined entries; NaN for rows without any, and no warning."""
    defined = ~np.isnan(correlations)
    medians = np.full(len(correlations), np.nan)
    if defined.all():
        return np.asarray(np.median(correlations, axis=1))
    for row in np.flatnonzero(defined.any(axis=1)):
        medians[row] = np.median(correlations[row, defined[row]])
    return medians


def _rows_of(types: NDArray[Any], subset: str) -> NDArray[np.intp]:
    if subset == "all":
        return np.arange(len(types))
    rows = np.flatnonzero(types == subset)
    if len(rows) == 0:
        names = ", ".join(str(name) for name in np.unique(types))
        raise InputError(f"expected subset 'all' or one of {names}, found {subset!r}: choose one of these")
    return rows


def _checked_features(X: NDArray[Any]) -> NDArray[Any]:
    features = X.reshape(-1, *X.shape[2:]) if X.ndim == 4 else X
    if features.ndim != 3 or len(features) % 2 or len(features) == 0:
        raise InputError(
            f"expected states of shape (2 x layers, problems, width), found {X.shape}: stack the attention outputs of "
            "all layers, then their layer outputs"
        )
    if not np.isfinite(features).all():
        raise InputError("expected finite states, found NaN or infinity: extract the states again, in float32")
    return features


def _checked_betas(subject: str, betas: ArrayLike, n_problems: int) -> Floats:
    values = np.asarray(betas, dtype=np.float64)
    if values.ndim != 2 or len(values) != n_problems or values.shape[1] == 0:
        raise InputError(
            f"expected betas of shape ({n_problems}, voxels) for subject {subject!r}, found {values.shape}: "
            "select the same problems for states and betas"
        )
    there = recorded(values, subject)
    if not there.any() or not (np.ptp(values[there], axis=0) > 0).any():
        raise InputError(f"expected voxels that vary, found none for subject {subject!r}: drop the subject")
    return values
