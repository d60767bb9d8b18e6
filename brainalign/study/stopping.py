"""Early stopping: the section of a study file, and which trials a trial's rungs compare it with.

Whatever finished meanwhile, trial i is compared with trials 0 … i - window alone (``asha``, ``median``), or with those
of its fixed bracket (``halving``): so one worker or eight stop the same trials.
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from brainalign.study.sections import Section

if TYPE_CHECKING:
    from brainalign.study.searching import KindSection

Rule = Literal["asha", "median", "halving"]


class StoppingSection(Section):
    """How trials are stopped early; without it every trial runs to its end.

    ``rungs`` are epochs of a training or checks of a search. At each, ``asha`` goes on with the best one of `reduction`
    among the trials that it is compared with, ``median`` with those not below their median; neither stops anybody
    before `least` trials have been there. ``halving`` lets the `bracket` trials of consecutive numbers wait for one
    another at each rung and goes on with the best one of `reduction`, at least one: what waits holds no resources, so
    that models which take all GPUs share them.
    """

    rule: Rule
    rungs: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    reduction: Annotated[int, Field(ge=2)] = 3
    least: Annotated[int, Field(ge=1)] = 1
    bracket: Annotated[int, Field(ge=2)] | None = None

    @field_validator("rungs")
    @classmethod
    def _rising(cls, rungs: tuple[int, ...]) -> tuple[int, ...]:
        if list(rungs) != sorted(set(rungs)):
            raise ValueError(f"expected rungs in rising order, found {list(rungs)}")
        return rungs

    @model_validator(mode="after")
    def _bracket_where_it_counts(self) -> "StoppingSection":
        if self.rule == "halving" and self.bracket is None:
            raise ValueError("expected a bracket with halving, found none: say how many trials wait for one another")
        if self.rule != "halving" and self.bracket is not None:
            raise ValueError(f"expected a bracket with halving only, found one with {self.rule}: leave it out")
        return self


def bracket_of(section: "KindSection", number: int) -> range:
    """Trials that wait for one another with a trial; none where nothing waits."""
    size = section.stopping.bracket if section.stopping else None
    return range(number - number % size, number - number % size + size) if size else range(0)


def n_compared(section: "KindSection", number: int) -> int:
    """Count the first trials of a branch that a trial's rungs compare it with, and that must be done before it."""
    if section.stopping is None or section.stopping.rule == "halving":
        return 0
    return max(0, number - section.window + 1)
