"""Settings that a study will about try, for its costs: enqueued ones as they are, the others drawn from the space."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from brainalign.artifacts import stream
from brainalign.spaces import Choice, Range, Space, flatten, nest
from brainalign.study import Branch, Study


def drawn_settings(study: Study, branch: Branch) -> Iterator[dict[str, Any]]:
    """Draw settings for all trials of a branch by number: enqueued ones as they are, the others at random by name."""
    enqueued, space = study.enqueued(branch.kind), study.space(branch.kind)
    yield from enqueued[: study.n_trials(branch.kind)]
    for number in range(len(enqueued), study.n_trials(branch.kind)):
        names = (study.seeds.search, branch.model, branch.kind, branch.arm, number)
        yield draw(space, stream("plan", *names))


def draw(space: Space, rng: np.random.Generator) -> dict[str, Any]:
    """One point of a space, uniform, on the log scale where a range is."""
    return nest({name: _point(part, rng) for name, part in flatten(space).items()})


def _point(part: Choice | Range, rng: np.random.Generator) -> Any:
    if isinstance(part, Choice):
        return part.options[int(rng.integers(len(part.options)))]
    ends = (math.log(part.low), math.log(part.high)) if part.log else (part.low, part.high)
    value = rng.uniform(*ends)
    number = min(max(math.exp(value) if part.log else value, part.low), part.high)
    return round(number) if part.integer else float(number)
