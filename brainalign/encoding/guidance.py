"""Maps from a model's states to a subject's voxels, in the form that steering needs.

Guidance asks how well ``W x`` agrees with the betas ``y`` of a problem, where W (v x d) is the ridge map from
states to voxels. W is a combination of few trials, so it never has to be formed: with

    z = basis @ (x - reference),   u = [z, 1]   (n + 1 numbers)

the predicted voxels are ``p = E' u`` for a matrix E ((n + 1) x v) of which only these are needed:

    |p|^2    = u' Q u          Q = E E'           ``quadratic``
    <p, y>   = c . u           c = E y            ``linear``
    mean(p)  = s . u           s = E 1 / v        ``voxel_mean``

so that, for target t with its map k = ``map_index[t]``, layer l and subject s,

    cosine   = c.u / (sqrt(u'Qu) |y|)
    pearson  = the same with the forms of ``GuidanceMaps.centred()``
    mse      = (u'Qu - 2 c.u + |y|^2) / v

and the gradient with respect to the state is ``basis' g``, g the gradient with respect to z.

By default p leaves the intercept out (``p = W x`` of the raw state, as published); ``intercept=True`` gives
``p = W x + b``. The last entry of u is 1 in both cases: it carries W times the reference, and the intercept.
``basis`` has orthonormal rows and x is taken relative to the mean of the pool, so float32 is enough outside.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainalign.encoding.ridge import RELEASE_ALPHAS, Floats

Singles = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class GuidanceConfig:
    """How the maps are fitted.

    Attributes
    ----------
    alphas
        Penalties to choose from, by leave-one-out on the trials that a map is fitted on, one for all voxels.
    leave_out
        True: a target's map is fitted, and its penalty chosen, on the other trials of the pool.
        False: one map on the whole pool, the target included, as in the public release.
    intercept
        True: predictions keep the intercept. False: they are ``W x``, as published.
    """

    alphas: tuple[float, ...] = RELEASE_ALPHAS
    leave_out: bool = True
    intercept: bool = False


@dataclass(frozen=True)
class GuidanceMaps:
    """Guidance forms of L layers, S subjects, T targets and M distinct maps a layer and subject.

    M is 1 if no target is left out of its map; otherwise each target of the pool has its own map, and all
    targets outside the pool share one more. r = min(n, d) for a pool of n trials and states of width d.
    A subject's maps are fitted on its own trials in the pool; what depends on a trial that it did not have is NaN.

    Attributes
    ----------
    reference
        float32, (L, d): mean state of the pool.
    basis
        float32, (L, r, d): orthonormal rows that span the pool's states about the reference.
    quadratic
        float32, (L, S, M, r + 1, r + 1).
    linear
        float32, (L, S, T, r + 1).
    voxel_mean
        float32, (L, S, M, r + 1).
    map_index
        int64, (T,): the map of each target, an index into M.
    y_norm, y_mean
        float32, (S, T): norm and mean over voxels of the targets' betas.
    n_voxels
        int64, (S,).
    alphas
        float64, (L, S, M): the penalties chosen.
    subjects, targets
        Keys of Y in their order, and row numbers of the targets.
    """

    reference: Singles
    basis: Singles
    quadratic: Singles
    linear: Singles
    voxel_mean: Singles
    map_index: Rows
    y_norm: Singles
    y_mean: Singles
    n_voxels: Rows
    alphas: Floats
    subjects: tuple[Hashable, ...]
    targets: tuple[int, ...]

    def centred(self) -> "GuidanceMaps":
        """Return the forms of predictions and betas less their mean over voxels, for Pearson's r."""
        v = self.n_voxels.astype(np.float64)
        mean = self.voxel_mean.astype(np.float64)
        outer = mean[..., :, None] * mean[..., None, :]
        target_mean = mean[:, :, self.map_index] * self.y_mean[None, :, :, None]
        norm = np.sqrt(np.maximum(self.y_norm.astype(np.float64) ** 2 - v[:, None] * self.y_mean**2, 0.0))
        return replace(
            self,
            quadratic=(self.quadratic - v[:, None, None, None] * outer).astype(np.float32),
            linear=(self.linear - v[:, None, None] * target_mean).astype(np.float32),
            voxel_mean=np.zeros_like(self.voxel_mean),
            y_norm=norm.astype(np.float32),
            y_mean=np.zeros_like(self.y_mean),
        )


Similarity = Literal["cosine", "pearson", "mse"]


def guidance_similarity(
    maps: GuidanceMaps, place: tuple[int, int, int], x: ArrayLike, similarity: Similarity = "cosine"
) -> tuple[float, Floats]:
    """Similarity of predicted and measured voxels, and its gradient with respect to the state.

    One state at a time in float64, written for reading: the reference against which faster code is tested.

    Parameters
    ----------
    maps
        Fitted maps (not centred).
    place
        Indices of layer, subject and target.
    x
        float, (d,): the state.
    similarity
        ``"cosine"``, ``"pearson"`` or ``"mse"`` (minus the mean squared error: more is better in all three).

    Returns
    -------
    value and gradient (float64, (d,)).
    """
    layer, subject, target = place
    forms = maps.centred() if similarity == "pearson" else maps
    basis = forms.basis[layer].astype(np.float64)
    z = basis @ (np.asarray(x, dtype=np.float64) - forms.reference[layer])
    u = np.append(z, 1.0)
    quadratic = forms.quadratic[layer, subject, forms.map_index[target]].astype(np.float64)
    linear = forms.linear[layer, subject, target].astype(np.float64)
    y_norm = float(forms.y_norm[subject, target])
    slope, squared, dot = quadratic @ u, float(u @ quadratic @ u), float(linear @ u)
    if similarity == "mse":
        n_voxels = int(forms.n_voxels[subject])
        return -(squared - 2 * dot + y_norm**2) / n_voxels, basis.T @ (2 * (linear - slope)[:-1] / n_voxels)
    norm = np.sqrt(squared)
    gradient = linear / (norm * y_norm) - dot * slope / (norm**3 * y_norm)
    return dot / (norm * y_norm), basis.T @ gradient[:-1]
