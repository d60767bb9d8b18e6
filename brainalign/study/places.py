"""Places of a study: where its trials stand. A place has a name before anybody works on it."""

from collections.abc import Iterator
from dataclasses import dataclass

from brainalign.artifacts import Part, place_name
from brainalign.study.schema import Study


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
