r"""How alike two representations of the same stimuli are, whatever their widths: RSA and debiased CKA.

Both are the cosine of two n x n matrices over the stimuli: of the ranks of dissimilarities (RSA), of U-centred inner
products (CKA). So a representation is turned into such a *signature* once, and all similarities are matrix products.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit
from scipy.stats import rankdata

from brainalign.errors import InputError
from brainalign.statistics.interval import Interval
from brainalign.statistics.stratified import Floats

Measure = Literal["cka", "rsa"]
FEWEST = 5
"""Stimuli of a stratum below which neither measure is defined well enough to show."""
Groups = Sequence[NDArray[np.int64]]


def strata_groups(strata: ArrayLike) -> list[NDArray[np.int64]]:
    """Places of the stimuli of each stratum; a stratum of fewer than `FEWEST` is left out.

    Raises
    ------
    InputError
        No stratum has enough.
    """
    labels = np.asarray(strata)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    kept = [group for group in groups if len(group) >= FEWEST]
    if not kept:
        sizes = ", ".join(str(len(group)) for group in groups)
        raise InputError(f"expected at least {FEWEST} stimuli in a stratum, found {sizes}: give more, or fewer strata")
    return kept


def signature(states: ArrayLike, measure: Measure, groups: Groups) -> Floats:
    """Turn a representation into a vector whose inner product with another's is their similarity.

    Parameters
    ----------
    states
        float, (n, d).
    measure
        ``"cka"``: debiased linear CKA, the cosine of U-centred Gram matrices; unlike plain CKA it is not driven to one
        by few stimuli and many units, has mean zero for unrelated states, and can be negative. ``"rsa"``: Spearman's
        rank correlation of dissimilarities, 1 - Pearson's r of two stimuli's states.
    groups
        As :func:`strata_groups` gives them; the similarity is the mean over groups of that within each, so what tells
        the groups apart counts for nothing.

    Returns
    -------
    float64, (sum of squares of the groups' sizes,); zeros for a group whose states do not vary.

    References
    ----------
    Kornblith, S. et al. (2019). Similarity of neural network representations revisited. ICML.
    Szekely, G. J. & Rizzo, M. L. (2014). Partial distance correlation. Ann. Stat. 42, 2382-2412. doi 10.1214/14-AOS1255
    Kriegeskorte, N. et al. (2008). Representational similarity analysis. Front. Syst. Neurosci. 2, 4.
    doi 10.3389/neuro.06.004.2008
    """
    values = np.asarray(states, dtype=np.float64)
    make = _cka_matrix if measure == "cka" else _rsa_matrix
    return np.concatenate([_unit(make(values[group])) for group in groups]) / np.sqrt(len(groups))


def similarities(first: Floats, second: Floats) -> Floats:
    """Similarity (P, Q) of every signature of `first` (P, m) with every one of `second` (Q, m)."""
    found: Floats = first @ second.T
    return found


@dataclass(frozen=True, eq=False)
class Shuffle:
    """Pairs the stimuli of two signatures at random.

    Attributes
    ----------
    groups
        That the signatures were made with.
    strata
        (n,): a stimulus changes places with others of its stratum only. With the types of reasoning as strata, what
        tells these apart is the same in every draw, also where the signature is of all stimuli in one group.
    """

    groups: Groups
    strata: NDArray[np.int64]

    def places(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Where each entry of a flat signature comes from in one draw, (m,)."""
        places, start = [], 0
        for group in self.groups:
            n, labels = len(group), self.strata[group]
            order = np.arange(n)
            for label in np.unique(labels):
                own = np.flatnonzero(labels == label)
                order[own] = rng.permutation(own)
            places.append(start + (order[:, None] * n + order[None, :]).ravel())
            start += n * n
        return np.concatenate(places)


@dataclass(frozen=True)
class Chance:
    """What a statistic is where stimuli are paired at random.

    Attributes
    ----------
    observed
        float64, (P,).
    upper
        95 % quantile of the largest entry over draws: an observed entry above it is more than chance, however many
        entries were looked at.
    p_values
        float64, (P,): share of draws, the observed pairing counted, whose largest entry is at least as large.
    n_draws
    """

    observed: Floats
    upper: float
    p_values: Floats
    n_draws: int


def chance(
    first: Floats,
    second: Floats,
    shuffle: Shuffle,
    statistic: Callable[[Floats], Floats],
    *,
    rng: np.random.Generator,
    n_draws: int = 499,
) -> Chance:
    """Shuffle the stimuli of `second`, all of its signatures alike, and take the largest statistic.

    Parameters
    ----------
    first, second
        Signatures, (P, m) and (Q, m).
    shuffle
        How stimuli change places.
    statistic
        From similarities (P, Q) to (P,), such as the median over subjects.
    """
    observed = statistic(similarities(first, second))
    largest = np.empty(n_draws)
    for draw in range(n_draws):
        largest[draw] = np.max(statistic(similarities(first, second[:, shuffle.places(rng)])))
    as_large = (largest[:, None] >= observed[None, :] - 1e-12).sum(axis=0)
    return Chance(observed, float(np.quantile(largest, 0.95)), (1 + as_large) / (1 + n_draws), n_draws)


def similarity_interval(
    first: ArrayLike, second: ArrayLike, measure: Measure, strata: ArrayLike, *, level: float = 0.95
) -> Interval:
    """Jackknife interval of one similarity for other stimuli.

    Each stimulus is left out in turn, centring and ranks made anew. (A bootstrap draws stimuli twice, and two equal
    rows look alike in any two representations, which raises both measures.)

    Parameters
    ----------
    first, second
        float, (n, d) and (n, d'): states of the same stimuli in the same order.
    strata
        (n,).

    Notes
    -----
    Measured coverage of 95 % intervals between two noisy linear readings of eight shared dimensions, both measures,
    true similarities of 0.03 and 0.35: 95 to 99 % with 20, 40 and 70 stimuli. With 20 they are about 0.5 wide, with 70
    about 0.15.
    """
    one, other, labels = np.asarray(first), np.asarray(second), np.asarray(strata)
    if len(one) != len(other) or len(labels) != len(one):
        raise InputError(f"expected states of the same stimuli, found {len(one)}, {len(other)} and {len(labels)} rows")

    groups = strata_groups(labels)

    def of(kept: Groups) -> float:
        return float(signature(one, measure, kept) @ signature(other, measure, kept))

    estimate, places = of(groups), np.concatenate(groups)
    n = len(places)
    without = np.array([of([group[group != place] for group in groups]) for place in places])
    error = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    reach = error * float(stdtrit(n - 1, 0.5 + level / 2))
    method = "jackknife over stimuli, Student t"
    return Interval(estimate, estimate - reach, estimate + reach, level, n, method).cut(-1.0, 1.0)


def noise_ceiling(signatures: Floats) -> tuple[float, float]:
    """Bounds of what a model could reach, from how alike subjects are: with the others' mean, and with that of all.

    Parameters
    ----------
    signatures
        float64, (n_subjects, m), at least two.

    Returns
    -------
    tuple of float
        Lower bound (the subject is left out of the mean) and upper bound (it is in it); NaN with one subject.

    References
    ----------
    Nili, H. et al. (2014). A toolbox for representational similarity analysis. PLoS Comput. Biol. 10, e1003553.
    doi 10.1371/journal.pcbi.1003553
    """
    n = len(signatures)
    if n < 2:
        return float("nan"), float("nan")
    total = signatures.sum(axis=0)
    lower = [float(own @ _unit(total - own)) for own in signatures]
    upper = [float(own @ _unit(total)) for own in signatures]
    return float(np.mean(lower)), float(np.mean(upper))


def _cka_matrix(states: Floats) -> Floats:
    """U-centred Gram matrix, flat: its inner product with another's is n (n - 3) times the unbiased HSIC."""
    n = len(states)
    gram = (states - states.mean(axis=0)) @ (states - states.mean(axis=0)).T
    np.fill_diagonal(gram, 0.0)
    rows = gram.sum(axis=1)
    centred = gram - (rows[:, None] + rows[None, :]) / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    flat: Floats = centred.ravel()
    return flat


def _rsa_matrix(states: Floats) -> Floats:
    """Ranks of the dissimilarities of all pairs, centred, as a symmetric matrix with zeros on its diagonal, flat."""
    n = len(states)
    centred = states - states.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    upper = np.triu_indices(n, 1)
    ranks = rankdata(1.0 - (unit @ unit.T)[upper])
    matrix = np.zeros((n, n))
    matrix[upper] = ranks - ranks.mean()
    flat: Floats = (matrix + matrix.T).ravel()
    return flat


def _unit(vector: Floats) -> Floats:
    norm = float(np.linalg.norm(vector))
    return vector / norm if norm > 1e-12 else np.zeros_like(vector)
