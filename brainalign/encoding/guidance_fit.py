"""Fit the maps of :mod:`brainalign.encoding.guidance` for all layers, subjects and targets at once.

A map is a combination of trials: ``voxels = Y' P u`` with P (k x (r + 1)) a function of the states and the penalty. So
voxels enter only through the Gram matrix of the betas, and one eigendecomposition per layer and set of k trials serves
all subjects, including drawn ones (random betas under keys of their own).
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainalign.encoding.guidance import GuidanceConfig, GuidanceMaps, Rows, Singles
from brainalign.encoding.ridge import Floats, checked_alphas, choose_alphas, decompose
from brainalign.encoding.threads import map_in_threads, single_threaded_blas
from brainalign.encoding.trials import by_trials
from brainalign.errors import InputError

_CHUNK_SIZE = 1_000_000
"""Most numbers in a stack of sample x sample matrices (8 MB): it bounds memory and stays near the cache."""


@dataclass(frozen=True)
class _Betas:
    """Betas of S subjects on N stimuli, reduced to inner products over voxels; NaN where a subject had no trial."""

    gram: Floats  # (S, N, N)
    mean: Floats  # (S, N)
    n_voxels: Rows  # (S,)
    groups: list[tuple[Rows, NDArray[np.bool_]]]  # positions of subjects with the same trials, and these (N,)

    def of(self, subjects: Rows) -> "_Betas":
        if len(subjects) == len(self.gram):
            return self
        return _Betas(self.gram[subjects], self.mean[subjects], self.n_voxels[subjects], [])


@dataclass(frozen=True)
class _TrainingSets:
    """Which trials the maps of some subjects are fitted on, in stacks of equal size, and which map each target has.

    A target of the pool that the subjects had no trial with has a map in name only.
    """

    stacks: tuple[tuple[Rows, Rows], ...]  # each (m,) and (m, k): maps, and positions in the pool
    map_index: Rows  # (T,), the same for all subjects

    @property
    def n_maps(self) -> int:
        return int(self.map_index.max()) + 1


@dataclass(frozen=True)
class _Forms:
    """One layer's part of the forms, filled stack by stack; NaN where a subject had no trial with a target."""

    quadratic: Singles  # (S, M, r + 1, r + 1)
    linear: Singles  # (S, T, r + 1)
    voxel_mean: Singles  # (S, M, r + 1)
    alphas: Floats  # (S, M)

    @classmethod
    def empty(cls, n_subjects: int, sets: _TrainingSets, size: int) -> "_Forms":
        return cls(
            np.full((n_subjects, sets.n_maps, size, size), np.nan, np.float32),
            np.full((n_subjects, len(sets.map_index), size), np.nan, np.float32),
            np.full((n_subjects, sets.n_maps, size), np.nan, np.float32),
            np.full((n_subjects, sets.n_maps), np.nan),
        )


def fit_guidance(
    X: ArrayLike,
    Y: Mapping[Any, ArrayLike],
    *,
    pool: ArrayLike,
    targets: ArrayLike,
    config: GuidanceConfig | None = None,
) -> GuidanceMaps:
    """Fit ridge maps from states to betas and return the forms of the guidance objective.

    Parameters
    ----------
    X
        float, (L, N, d): states of N stimuli at L layers, as the model gives them (centred here, in float64).
    Y
        subject -> float, (N, v): betas. The key may be anything hashable, so that drawn betas can stand beside
        measured ones; v may differ between subjects. A row is NaN as a whole where the subject had no trial: the
        subject's maps are fitted on its trials in the pool, and a target without a trial has NaN forms.
    pool
        int, (n,): rows of the trials that maps are fitted on (the problems of a reasoning type, or of a split).
    targets
        int, (T,): rows of the problems to steer; inside or outside the pool.
    config
        Penalties, whether a target is left out of its own map, and the intercept.

    Raises
    ------
    InputError
        If shapes disagree, a row is out of range or twice in the pool, the pool or a subject's trials in it are too
        few, or a value is not finite.

    References
    ----------
    Rifkin, R. M. & Lippert, R. A. (2007). Notes on regularized least squares. MIT-CSAIL-TR-2007-025.
    """
    config = config or GuidanceConfig()
    states = np.asarray(X)
    if states.ndim != 3:
        raise InputError(f"expected states of shape (layers, stimuli, width), found {states.shape}: stack the layers")
    pool_rows = _checked_rows(pool, states.shape[1], "pool")
    target_rows = _checked_rows(targets, states.shape[1], "targets")
    _check_pool(pool_rows)
    if not np.isfinite(states[:, pool_rows]).all():
        raise InputError("expected finite states on the pool's rows, found NaN or infinity: extract the states again")
    alphas = checked_alphas(config.alphas)
    with single_threaded_blas() as n_threads:
        betas = _inner_products(Y, states.shape[1], np.union1d(pool_rows, target_rows))
        groups = [(subjects, there[pool_rows]) for subjects, there in betas.groups]
        _check_trials(groups, tuple(Y), config.leave_out)
        sets = [_training_sets(pool_rows, target_rows, there, config.leave_out) for _, there in groups]

        def fit_layer(index: int) -> tuple[Singles, Singles, _Forms]:
            reference, basis, coordinates = _coordinates(states[index, pool_rows])
            offset = None if config.intercept else basis.astype(np.float64) @ reference.astype(np.float64)
            layer = _Forms.empty(len(Y), sets[0], len(basis) + 1)
            for (subjects, _), own in zip(groups, sets, strict=True):
                trials = (betas.of(subjects), pool_rows, target_rows)
                _fill(layer, subjects, coordinates, offset, trials, own, alphas)
            return reference, basis, layer

        layers = map_in_threads(fit_layer, range(len(states)), n_threads)
    return _assembled(tuple(Y), betas, sets[0], target_rows, layers)


def _assembled(
    subjects: tuple[Hashable, ...],
    betas: _Betas,
    sets: _TrainingSets,
    target_rows: Rows,
    layers: list[tuple[Singles, Singles, _Forms]],
) -> GuidanceMaps:
    """Stack reference, basis and forms of all layers."""
    reference, basis, forms = zip(*layers, strict=True)
    return GuidanceMaps(
        reference=np.stack(reference),
        basis=np.stack(basis),
        quadratic=np.stack([layer.quadratic for layer in forms]),
        linear=np.stack([layer.linear for layer in forms]),
        voxel_mean=np.stack([layer.voxel_mean for layer in forms]),
        map_index=sets.map_index,
        y_norm=np.sqrt(np.diagonal(betas.gram, axis1=1, axis2=2)[:, target_rows]).astype(np.float32),
        y_mean=betas.mean[:, target_rows].astype(np.float32),
        n_voxels=betas.n_voxels,
        alphas=np.stack([layer.alphas for layer in forms]),
        subjects=subjects,
        targets=tuple(int(row) for row in target_rows),
    )


def _fill(
    forms: _Forms,
    subjects: Rows,
    coordinates: Floats,
    offset: Floats | None,
    trials: tuple[_Betas, Rows, Rows],
    sets: _TrainingSets,
    alphas: Floats,
) -> None:
    """Fit the maps of some subjects, who had the same trials, at one layer, chunk by chunk, and write their forms."""
    betas, pool_rows, target_rows = trials
    for numbers, stack in sets.stacks:
        step = max(1, _CHUNK_SIZE // (len(betas.gram) * stack.shape[1] ** 2))
        for start in range(0, len(stack), step):
            maps, positions = numbers[start : start + step], stack[start : start + step]
            rows = pool_rows[positions]
            gram = betas.gram[:, rows[:, :, None], rows[:, None, :]].swapaxes(0, 1)
            dual, chosen = _dual_maps(coordinates[positions], gram, offset, alphas)
            own_maps = np.ix_(subjects, maps)
            forms.alphas[own_maps] = chosen.T
            forms.quadratic[own_maps] = (dual.swapaxes(-1, -2) @ (gram @ dual)).swapaxes(0, 1)
            means = betas.mean[:, rows].swapaxes(0, 1)
            forms.voxel_mean[own_maps] = (means[:, :, None, :] @ dual)[:, :, 0].swapaxes(0, 1)
            for place, number in enumerate(maps):
                for target in np.flatnonzero(sets.map_index == number):
                    products = betas.gram[:, rows[place], target_rows[target]]
                    forms.linear[subjects, target] = (products[:, None, :] @ dual[place])[:, 0]


def _dual_maps(
    coordinates: Floats, target_gram: Floats, offset: Floats | None, alphas: Floats
) -> tuple[Floats, Floats]:
    """Ridge maps of m training sets and S subjects as combinations of their k trials.

    Parameters
    ----------
    coordinates
        float64, (m, k, r): states about the reference.
    target_gram
        float64, (m, S, k, k).
    offset
        float64, (r,): coordinates of the reference itself, for predictions ``W x`` without intercept; None for
        predictions with the intercept.

    Returns
    -------
    dual (m, S, k, r + 1) and the penalties chosen (m, S).
    """
    decomposition = decompose(coordinates @ coordinates.swapaxes(-1, -2))
    chosen = choose_alphas(decomposition, target_gram, alphas)
    values, vectors = decomposition.eigenvalues[:, None], decomposition.vectors[:, None]
    # H Z, with H the resolvent at each subject's own penalty.
    shared = vectors.swapaxes(-1, -2) @ coordinates[:, None]
    slope = vectors @ (shared / (values + chosen[..., None])[..., None])
    if offset is None:
        centre = coordinates.mean(axis=1)[:, None, :, None]
        last = 1.0 / coordinates.shape[1] - slope @ centre
    else:
        last = slope @ offset[:, None]
    return np.concatenate([slope, last], axis=-1), chosen


def _coordinates(states: NDArray[np.generic]) -> tuple[Singles, Singles, Floats]:
    """Return reference (d,), orthonormal basis (r, d) and coordinates (n, r) of a pool's states (n, d).

    Reference and basis are rounded to float32 first, so that the forms fit the numbers that their user computes with.
    """
    exact = states.astype(np.float64)
    reference = exact.mean(axis=0).astype(np.float32)
    about = exact - reference
    basis = np.linalg.qr(about.T)[0].T.astype(np.float32)
    return reference, np.ascontiguousarray(basis), about @ basis.T.astype(np.float64)


def _inner_products(Y: Mapping[Any, ArrayLike], n_stimuli: int, used: Rows) -> _Betas:
    """Gram matrices over voxels; rows that are neither in the pool nor targets stay zero and may hold anything."""
    if not Y:
        raise InputError("expected betas of at least one subject, found none: check the choice of subjects")
    gram = np.zeros((len(Y), n_stimuli, n_stimuli))
    mean = np.zeros((len(Y), n_stimuli))
    n_voxels, all_used = [], {}
    for index, (subject, betas) in enumerate(Y.items()):
        values = np.asarray(betas, dtype=np.float64)
        if values.ndim != 2 or len(values) != n_stimuli or values.shape[1] == 0:
            raise InputError(
                f"expected betas of shape ({n_stimuli}, voxels) for subject {subject!r}, found {values.shape}: "
                "select the same stimuli for states and betas"
            )
        values = all_used[subject] = values[used]
        gram[index][np.ix_(used, used)] = values @ values.T
        mean[index, used] = values.mean(axis=1)
        n_voxels.append(values.shape[1])
    place = {subject: index for index, subject in enumerate(Y)}
    groups = []
    for subjects, there in by_trials(all_used):
        trials = np.zeros(n_stimuli, dtype=bool)
        trials[used] = there
        groups.append((np.array([place[subject] for subject in subjects], dtype=np.int64), trials))
    return _Betas(gram, mean, np.array(n_voxels, dtype=np.int64), groups)


def _training_sets(pool: Rows, targets: Rows, there: NDArray[np.bool_], leave_out: bool) -> _TrainingSets:
    """Make the sets for subjects whose trials in the pool are `there`, bool (n,)."""
    everything = np.flatnonzero(there)
    position = {int(row): i for i, row in enumerate(pool)} if leave_out else {}
    own = [position[int(row)] for row in targets if int(row) in position]
    fitted = [number for number, i in enumerate(own) if there[i]]
    stacks = []
    if fitted:
        left = np.array([everything[everything != own[number]] for number in fitted])
        stacks.append((np.array(fitted, dtype=np.int64), left))
    if len(own) < len(targets):
        stacks.append((np.array([len(own)], dtype=np.int64), everything[None]))
    numbers = iter(range(len(own)))
    map_index = [next(numbers) if int(row) in position else len(own) for row in targets]
    return _TrainingSets(tuple(stacks), np.array(map_index, dtype=np.int64))


def _checked_rows(rows: ArrayLike, n_stimuli: int, name: str) -> Rows:
    values = np.asarray(rows)
    if values.ndim != 1 or values.size == 0 or not np.issubdtype(values.dtype, np.integer):
        raise InputError(f"expected {name} as a list of row numbers, found {rows!r}: give at least one integer row")
    if values.min() < 0 or values.max() >= n_stimuli:
        raise InputError(
            f"expected rows between 0 and {n_stimuli - 1} in {name}, found {values.min()} to {values.max()}: "
            "number the rows of the stimuli given"
        )
    return values.astype(np.int64)


def _check_pool(pool: Rows) -> None:
    if len(np.unique(pool)) < len(pool):
        raise InputError("expected each row once in the pool, found one twice: give distinct rows")


def _check_trials(
    groups: list[tuple[Rows, NDArray[np.bool_]]], subjects: tuple[Hashable, ...], leave_out: bool
) -> None:
    least = 4 if leave_out else 3
    for members, there in groups:
        if there.sum() < least:
            raise InputError(
                f"expected a pool of at least {least} trials, found {there.sum()} of subject "
                f"{subjects[members[0]]!r} (rows of NaN are no trials): add problems to the pool, or leave it out"
            )
