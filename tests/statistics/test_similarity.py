"""RSA and debiased CKA against SciPy and the printed formula of the unbiased HSIC; intervals and chance simulated."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from brainalign.errors import InputError
from brainalign.statistics import (
    Shuffle,
    chance,
    noise_ceiling,
    signature,
    similarities,
    similarity_interval,
    strata_groups,
)

TYPES = np.repeat(["a", "b"], [14, 11])
KINDS = np.repeat([0, 1], [14, 11])


def unbiased_hsic(first: np.ndarray, second: np.ndarray) -> float:
    """Equation 5 of Song et al. (2012), JMLR 13, 1393-1434, as it is printed."""
    n, one = len(first), np.ones(len(first))
    K, L = first @ first.T, second @ second.T
    np.fill_diagonal(K, 0)
    np.fill_diagonal(L, 0)
    last = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ K @ L @ one)
    return (np.trace(K @ L) + last) / (n * (n - 3))


def direct_cka(first: np.ndarray, second: np.ndarray) -> float:
    return unbiased_hsic(first, second) / np.sqrt(unbiased_hsic(first, first) * unbiased_hsic(second, second))


def direct_rsa(first: np.ndarray, second: np.ndarray) -> float:
    return spearmanr(pdist(first, "correlation"), pdist(second, "correlation")).statistic


def pair(seed: int, n: int = 25, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    shared = draw.normal(size=(n, 4))
    return tuple(shared @ draw.normal(size=(4, d)) + noise * draw.normal(size=(n, d)) for d in (30, 50))


def one(first: np.ndarray, second: np.ndarray, measure: str, strata: np.ndarray) -> float:
    groups = strata_groups(strata)
    return float(signature(first, measure, groups) @ signature(second, measure, groups))


@pytest.mark.parametrize(("measure", "direct"), [("cka", direct_cka), ("rsa", direct_rsa)])
def test_measures_are_their_definitions(measure: str, direct) -> None:
    first, second = pair(0)
    assert one(first, second, measure, np.zeros(25)) == pytest.approx(direct(first, second))
    within = np.mean([direct(first[name == TYPES], second[name == TYPES]) for name in ("a", "b")])
    assert one(first, second, measure, TYPES) == pytest.approx(within)
    assert one(first, 3 * first, measure, TYPES) == pytest.approx(1.0)


def test_debiased_cka_is_zero_on_average_where_nothing_is_shared_and_plain_cka_is_not() -> None:
    draw = np.random.default_rng(1)
    found = [one(draw.normal(size=(20, 200)), draw.normal(size=(20, 300)), "cka", np.zeros(20)) for _ in range(100)]
    assert abs(np.mean(found)) < 0.03
    first, second = (x - x.mean(axis=0) for x in (draw.normal(size=(20, 200)), draw.normal(size=(20, 300))))
    plain = np.linalg.norm(first.T @ second) ** 2 / np.linalg.norm(first.T @ first) / np.linalg.norm(second.T @ second)
    assert plain > 0.8


@pytest.mark.parametrize("measure", ["cka", "rsa"])
def test_all_pairs_at_once_and_a_type_difference_counts_for_nothing_within_types(measure: str) -> None:
    (a, b), (c, d) = pair(2), pair(3)
    groups = strata_groups(TYPES)
    stacks = [np.stack([signature(x, measure, groups) for x in xs]) for xs in ((a, c), (b, d))]
    found = similarities(*stacks)
    assert found[0, 1] == pytest.approx(one(a, d, measure, TYPES))
    shift = 20.0 * (TYPES == "a")[:, None]
    assert one(a + shift, d + shift, "cka", TYPES) == pytest.approx(one(a, d, "cka", TYPES))
    assert one(a + shift, d + shift, "cka", np.zeros(25)) > 0.9


def test_chance_keeps_its_level_over_many_looks_and_finds_what_is_shared() -> None:
    draw = np.random.default_rng(4)
    groups = strata_groups(TYPES)
    alarms = 0
    for _ in range(60):
        layers = np.stack([signature(draw.normal(size=(25, 10)), "cka", groups) for _ in range(6)])
        brains = np.stack([signature(draw.normal(size=(25, 10)), "cka", groups) for _ in range(3)])
        found = chance(layers, brains, Shuffle(groups, KINDS), lambda s: np.median(s, axis=1), rng=draw, n_draws=39)
        alarms += found.p_values.min() <= 0.05
    assert alarms <= 9  # 3 expected over six looks each
    first, second = pair(5)
    stacks = [signature(x, "rsa", groups)[None] for x in (first, second)]
    found = chance(*stacks, Shuffle(groups, KINDS), lambda s: s[:, 0], rng=draw, n_draws=99)
    assert found.p_values[0] == 0.01
    assert found.observed[0] > found.upper


def test_what_tells_types_apart_is_no_more_than_chance_where_only_stimuli_of_a_type_change_places() -> None:
    draw = np.random.default_rng(8)
    groups, apart = strata_groups(np.zeros(25)), 3.0 * KINDS[:, None]
    stacks = [signature(draw.normal(size=(25, 10)) + apart, "cka", groups)[None] for _ in range(2)]
    within = chance(*stacks, Shuffle(groups, KINDS), lambda s: s[:, 0], rng=draw, n_draws=99)
    across = chance(*stacks, Shuffle(groups, 0 * KINDS), lambda s: s[:, 0], rng=draw, n_draws=99)
    assert within.observed[0] > 0.5
    assert within.p_values[0] > 0.05
    assert across.p_values[0] == 0.01


@pytest.mark.parametrize(("measure", "n"), [("cka", 40), ("rsa", 24)])
def test_intervals_cover_what_many_stimuli_show(measure: str, n: int) -> None:
    draw = np.random.default_rng(6)
    weights = [draw.normal(size=(8, d)) for d in (20, 30)]

    def states(size: int) -> list[np.ndarray]:
        shared = draw.normal(size=(size, 8))
        return [shared @ weight + 3.0 * draw.normal(size=(size, weight.shape[1])) for weight in weights]

    truth = one(*states(700), measure, np.zeros(700))
    found = [similarity_interval(*states(n), measure, np.zeros(n)) for _ in range(40)]
    covered = sum(interval.low <= truth <= interval.high for interval in found)
    assert covered >= 33  # 38 expected
    assert np.mean([interval.high - interval.low for interval in found]) < 0.8


def test_noise_ceiling_is_the_mean_with_the_others_and_with_all() -> None:
    draw = np.random.default_rng(7)
    shared = draw.normal(size=(25, 6))
    groups = strata_groups(np.zeros(25))
    brains = np.stack([signature(shared + draw.normal(size=(25, 6)), "rsa", groups) for _ in range(4)])
    low, high = noise_ceiling(brains)
    others = [np.corrcoef(brains[i], np.delete(brains, i, axis=0).mean(axis=0))[0, 1] for i in range(4)]
    assert low == pytest.approx(np.mean(others), abs=0.01)
    assert 0 < low < high < 1
    assert np.isnan(noise_ceiling(brains[:1])[0])


def test_too_few_stimuli_and_other_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="at least 5 stimuli"):
        strata_groups(["a", "a", "b", "b"])
    with pytest.raises(InputError, match="same stimuli"):
        similarity_interval(np.ones((6, 2)), np.ones((7, 2)), "cka", np.zeros(6))
