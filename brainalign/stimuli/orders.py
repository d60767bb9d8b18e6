"""Orders of a problem's premises (placeholder)."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np

from brainalign.artifacts import stream
from brainalign.errors import InputError
from brainalign.stimuli.problems import Problem


def premise_orders(n: int, spec: str, *names: str | int) -> np.ndarray:
    """Orders (k, n), row 0 the given one."""
    every = np.array(list(permutations(range(n))), dtype=np.int64)
    if spec == "all":
        return every
    if spec == "forward":
        return every[:1]
    kind, _, count = spec.partition(":")
    if kind != "sample" or not count.isdigit() or int(count) < 1:
        raise InputError(f"expected all, forward or sample:N, found {spec!r}")
    size = min(int(count), len(every)) - 1
    others = stream("orders", n, *names).choice(len(every) - 1, size, replace=False) + 1
    return every[[0, *sorted(others.tolist())]]


def kendall_tau(order: Sequence[int]) -> float:
    """Kendall's tau against the given order."""
    signs = [np.sign(b - a) for a, b in combinations(list(order), 2)]
    return float(np.mean(signs)) if signs else 1.0


def reorder(problem: Problem, order: Sequence[int]) -> Problem:
    """Reorder the premises."""
    return replace(problem, premises=tuple(problem.premises[int(place)] for place in order))
