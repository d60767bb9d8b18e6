"""The section of a kind of trial: its arms, what is searched for, and how settings are chosen."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from brainalign.spaces import Dimension, parse_dimension
from brainalign.study.goals import Direction
from brainalign.study.sections import Section
from brainalign.study.stopping import StoppingSection

Sampler = Literal["tpe", "gp", "cmaes", "random", "grid", "qmc", "nsgaii"]
LEARNING = ("tpe", "gp")
"""Samplers that learn from trials one by one, so that a window says from which."""
GENERATIONAL = ("cmaes", "nsgaii")
"""Samplers that advance by whole generations."""
NSGAII_POPULATION = 20
CMAES_LEAST = 4
"""Smallest generation of CMA-ES: half of it has to give a direction."""


class SearchSection(Section):
    """How settings are chosen. At the file's top level it is the default of every kind.

    Trial i of an arm learns from trials 0 … i - window and from no other. ``reproducible: false`` drops the window:
    every result is used at once, and the trials then depend on which finished first. CMA-ES and NSGA-II advance by
    generations of ``population`` trials; random, grid and QMC learn nothing, so neither concerns them, unless trials
    are stopped early: then the window also says whom a trial is compared with.

    ``carry`` is how many of the best settings that the study's smallest model found in an arm are the first trials of
    the same arm on all other models, after the enqueued ones. Depths are relative and strengths in units of the
    activations' spread, so a setting means the same on each.
    """

    sampler: Sampler = "tpe"
    startup_trials: Annotated[int, Field(ge=0)] = 10
    window: Annotated[int, Field(ge=1)] = 8
    population: Annotated[int, Field(ge=2)] | None = None
    reproducible: bool = True
    stopping: StoppingSection | None = None
    carry: Annotated[int, Field(ge=0)] = 0


class Goal(Section):
    """A metric to search for; without a direction, the one that the kind gives it."""

    metric: str
    direction: Direction | None = None


class Bounds(Section):
    """The most or the least that a metric may be."""

    at_most: float | None = None
    at_least: float | None = None


class KindSection(SearchSection):
    """One kind of trial: its arms, each searched on its own with as many trials, and their common space."""

    arms: tuple[str, ...] = ()
    trials: Annotated[int, Field(ge=1)] | None = None
    objective: str | tuple[Goal, ...] | None = None
    constraints: Mapping[str, Bounds] = Field(default_factory=dict)
    space: Mapping[str, Dimension] = Field(default_factory=dict)
    enqueue: tuple[Mapping[str, Any], ...] = ()

    @field_validator("space", mode="before")
    @classmethod
    def _short_forms(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            raise ValueError(f"expected a mapping from names to dimensions, found {type(raw).__name__}")
        return {name: parse_dimension(name, value) for name, value in raw.items()}

    @field_validator("objective", mode="before")
    @classmethod
    def _one_or_several(cls, raw: Any) -> Any:
        """Read a name, a list of names or of `name: direction`, or a mapping from names to directions."""
        if not isinstance(raw, (list, tuple, Mapping)):
            return raw
        items = [{name: way} for name, way in raw.items()] if isinstance(raw, Mapping) else list(raw)
        if not items:
            raise ValueError("expected at least one metric, found none")
        return tuple(_goal(item) for item in items)

    @field_validator("enqueue", mode="before")
    @classmethod
    def _release(cls, raw: Any) -> Any:
        """Spell the word `release`, for the setting of the method's source, as a setting that leaves nothing out."""
        items = [raw] if isinstance(raw, (str, Mapping)) else raw
        return [{} if item == "release" else item for item in items] if isinstance(items, (list, tuple)) else items


def _goal(item: Any) -> Any:
    if isinstance(item, str):
        return {"metric": item}
    if isinstance(item, Mapping) and "metric" not in item and len(item) == 1:
        ((name, way),) = item.items()
        if way not in get_args(Direction):
            raise ValueError(f"{name}: expected {' or '.join(get_args(Direction))}, found {way!r}")
        return {"metric": str(name), "direction": way}
    return item
