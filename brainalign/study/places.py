"""Places of a study: where its trials stand. A place has a name before anybody works on it."""

from collections.abc import Iterator
from dataclasses import dataclass

from brainalign.artifacts import Part, place_name
from brainalign.study.schema import Study
from brainalign.zoo import model_facts


@dataclass(frozen=True, order=True)
class Branch:
    """A (model, kind, arm): what has an Optuna study of its own."""

    model: str
    kind: str
    arm: str

    def __str__(self) -> str:
        return f"{self.model}/{self.kind}/{self.arm}"


@dataclass(frozen=True, order=True)
class Place:
    """A trial's place: its branch, its number there, the part of the problems that it sees, and which reading it is."""

    branch: Branch
    number: int
    part: Part
    repeat: int = 0

    def __str__(self) -> str:
        branch = self.branch
        return place_name(branch.model, branch.kind, branch.arm, self.number, self.part, self.repeat)


def branches(study: Study) -> Iterator[Branch]:
    """All branches of a study, kinds in the file's order."""
    for kind in study.kinds:
        for model in study.models:
            for arm in study.arms(kind):
                yield Branch(model, kind, arm)


def carried_from(study: Study, branch: Branch) -> Branch | None:
    """Branch whose best settings a branch begins with: the same on the study's smallest model; None where none is."""
    if not study.kinds[branch.kind].carry:
        return None
    smallest = min(study.models, key=lambda name: model_facts(name).n_parameters)
    return None if branch.model == smallest else Branch(smallest, branch.kind, branch.arm)


def carried_rank(study: Study, place: Place) -> int | None:
    """Which of the best settings a trial carries over, 0 the best; None where it is suggested as ever."""
    section = study.kinds[place.branch.kind]
    rank = place.number - len(section.enqueue)
    return rank if place.part == "selection" and 0 <= rank < section.carry else None
