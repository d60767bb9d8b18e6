"""The study file: what to search, on which models, with which budget.

Parsed once into a frozen :class:`Study`; an unknown key is an error that names the nearest valid one.
"""

import math
from collections.abc import Container, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from brainalign.artifacts import hash_json
from brainalign.betas import REGIONS, DatasetName
from brainalign.errors import InputError
from brainalign.spaces import (
    Choice,
    Condition,
    Dimension,
    Range,
    Space,
    check_conditions,
    flatten,
    parse_dimension,
    unconditional,
    unknown_key,
)
from brainalign.study.goals import Direction, Goals
from brainalign.trials import one_point, trial_kind

Sampler = Literal["tpe", "gp", "cmaes", "random", "grid", "qmc", "nsgaii"]
LEARNING = ("tpe", "gp")
"""Samplers that learn from trials one by one, so that a window says from which."""
GENERATIONAL = ("cmaes", "nsgaii")
"""Samplers that advance by whole generations."""
NSGAII_POPULATION = 20
CMAES_LEAST = 4
"""Smallest generation of CMA-ES: half of it has to give a direction."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatorSection(_Section):
    """The simulator's truth, where the study stands on simulated betas."""

    n_subjects: Annotated[int, Field(ge=1)] = 10
    n_problems_per_type: Annotated[int, Field(ge=10)] = 35
    noise_ceiling: Annotated[float, Field(gt=0, le=1)] = 0.5
    subject_spread: Annotated[float, Field(ge=0)] = 0.1
    planted_effect: bool = False
    seed: int = 0


class BetasSection(_Section):
    """Which betas: ``auto`` takes the real ones where they are found, else says loudly that they are simulated."""

    dataset: DatasetName = "deductive"
    source: Literal["auto", "release", "simulated"] = "auto"
    subjects: Annotated[int, Field(ge=1)] | tuple[str, ...] | None = None
    simulator: SimulatorSection = SimulatorSection()


class ProblemsSection(_Section):
    """How the problems are split into a part that searches see and a part that winners are reported on."""

    selection_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    seed: int = 0


class SearchSection(_Section):
    """How settings are chosen. At the file's top level it is the default of every kind.

    Trial i of an arm learns from trials 0 … i - window and from no other. ``reproducible: false`` drops the window:
    every result is used at once, and the trials then depend on which finished first. CMA-ES and NSGA-II advance by
    generations of ``population`` trials; random, grid and QMC learn nothing, so neither concerns them.
    """

    sampler: Sampler = "tpe"
    startup_trials: Annotated[int, Field(ge=0)] = 10
    window: Annotated[int, Field(ge=1)] = 8
    population: Annotated[int, Field(ge=2)] | None = None
    reproducible: bool = True


class Goal(_Section):
    """A metric to search for; without a direction, the one that the kind gives it."""

    metric: str
    direction: Direction | None = None


class Bounds(_Section):
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


class SeedsSection(_Section):
    """Seeds of the search (which settings are tried) and of the execution (which draws the controls make)."""

    search: int = 0
    replicate: Annotated[int, Field(ge=0)] = 0


class BudgetSection(_Section):
    """Trials an arm, and hard caps on what all trials together may take.

    A cap ends a run at a consistent point and is no part of the study's identity: it may be changed at any time.
    """

    trials: Annotated[int, Field(ge=1)] = 20
    max_trials: Annotated[int, Field(ge=1)] | None = None
    max_gpu_hours: Annotated[float, Field(gt=0)] | None = None
    max_cpu_hours: Annotated[float, Field(gt=0)] | None = None
    max_wall_s: Annotated[float, Field(gt=0)] | None = None
    max_disk_gib: Annotated[float, Field(gt=0)] | None = None


class ExecutionSection(_Section):
    """How it is run. Nothing here changes a result, so nothing here is part of the study's identity.

    ``workers`` is the most trials at once, ``worker_failures`` how often a trial is tried again elsewhere when its
    worker or node is lost, ``trial_timeout_s`` after how long a silent worker counts as lost (by default ten times
    what a trial is expected to take, at least ten minutes), ``ahead`` how many trials are asked for beyond the room
    that there is, so that a cluster which grows on demand does, ``weights_gib`` how much room trained weights may take:
    beyond it those of dominated trials are deleted, never an arm's best.
    """

    workers: Annotated[int, Field(ge=1)] | None = None
    worker_failures: Annotated[int, Field(ge=0)] = 2
    trial_timeout_s: Annotated[float, Field(gt=0)] | None = None
    ahead: Annotated[int, Field(ge=0)] = 0
    weights_gib: Annotated[float, Field(gt=0)] | None = None


class LoadingSection(_Section):
    """How models are held; part of what the study finds, so of its identity and of every result's key.

    Without a ``dtype`` each model has its own.
    """

    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    quantisation: Literal["none", "fp8", "nf4"] = "none"


class Study(_Section):
    """A study file, parsed."""

    name: Name
    description: str = ""
    models: tuple[str, ...] = Field(min_length=1)
    kinds: Mapping[str, KindSection] = Field(min_length=1)
    betas: BetasSection = BetasSection()
    problems: ProblemsSection = ProblemsSection()
    seeds: SeedsSection = SeedsSection()
    loading: LoadingSection = LoadingSection()
    budget: BudgetSection = BudgetSection()
    execution: ExecutionSection = ExecutionSection()

    @property
    def identity(self) -> str:
        """Hash of everything that changes what the study finds; not its words, nor how it is run."""
        whole = self.model_dump(mode="json", exclude={"description", "execution", "budget"}) | self._sizes()
        if self.betas.dataset == "deductive":
            del whole["betas"]["dataset"]  # as of studies begun when there was no other
        if self.loading == LoadingSection():
            del whole["loading"]  # likewise
        whole["kinds"] = {name: _without_defaults(section) for name, section in whole["kinds"].items()}
        return hash_json(whole)

    def _sizes(self) -> dict[str, Any]:
        return {"n_trials": {name: self.n_trials(name) for name in self.kinds}}

    def n_trials(self, kind: str) -> int:
        """Trials of each arm of a kind."""
        return self.kinds[kind].trials or self.budget.trials

    def arms(self, kind: str) -> tuple[str, ...]:
        """Arms of a kind: those of the file, or the kind's default ones."""
        return self.kinds[kind].arms or trial_kind(kind).default_arms

    def goals(self, kind: str) -> Goals:
        """Objectives and constraints of the kind's searches."""
        section, known = self.kinds[kind], trial_kind(kind)
        given = section.objective if isinstance(section.objective, tuple) else ()
        named = given or (Goal(metric=section.objective or known.objectives[0]),)  # type: ignore[arg-type]
        natural: dict[str, Direction] = dict.fromkeys(known.minimised, "minimize")
        directions = {goal.metric: goal.direction or natural.get(goal.metric, "maximize") for goal in named}
        upper = {name: bound.at_most for name, bound in section.constraints.items() if bound.at_most is not None}
        lower = {name: bound.at_least for name, bound in section.constraints.items() if bound.at_least is not None}
        return Goals(directions, upper, lower)

    def objective(self, kind: str) -> str:
        """Metric that the kind's winners are chosen by, the first of its objectives."""
        return next(iter(self.goals(kind).directions))

    def population(self, kind: str) -> int:
        """Trials of a generation; 1 where the sampler knows none."""
        section = self.kinds[kind]
        if section.sampler not in GENERATIONAL:
            return 1
        if section.population is not None:
            return section.population
        # CMA-ES: the size that its authors give for a number of dimensions (Hansen 2016, arXiv:1604.00772).
        return NSGAII_POPULATION if section.sampler == "nsgaii" else 4 + int(3 * math.log(max(self._n_ranges(kind), 1)))

    def _n_ranges(self, kind: str) -> int:
        """Count the numbers that vary whatever else is chosen, which are all that CMA-ES moves."""
        always = {name: part for name, part in self.space(kind).items() if not isinstance(part, Condition)}
        return sum(isinstance(part, Range) and part.low < part.high for part in flatten(always).values())

    def space(self, kind: str) -> Space:
        """Space of a kind: the file's, with the source's values for names it leaves out; without any, the default."""
        given = self.kinds[kind].space
        if not given:
            return {**trial_kind(kind).default_space(), **self._regions(trial_kind(kind).default_space())}
        rest = {name: value for name, value in self._default_setting(kind).items() if name not in given}
        return {**given, **one_point(rest)}

    def _regions(self, names: Container[str]) -> Space:
        """Regions to choose from where the data are not those that the kinds' defaults were written for."""
        regions = REGIONS[self.betas.dataset]
        return {"roi": Choice(options=regions)} if "roi" in names and self.betas.dataset != "deductive" else {}

    def _default_setting(self, kind: str) -> dict[str, Any]:
        """Values of the kind's source, in a region that the data have."""
        setting = trial_kind(kind).default_setting()
        if "roi" in setting and setting["roi"] not in REGIONS[self.betas.dataset]:
            setting["roi"] = REGIONS[self.betas.dataset][0]
        return setting

    def enqueued(self, kind: str) -> list[dict[str, Any]]:
        """Return the settings that every arm of a kind tries first, whole: what they leave out is the source's."""
        default, names = self._default_setting(kind), self.space(kind)
        return [{name: {**default, **given}[name] for name in names} for given in self.kinds[kind].enqueue]

    def points(self, kind: str) -> list[Space]:
        """All that a kind's arms may try, without conditions: the space, and each enqueued setting as one point."""
        free = {name: unconditional(part) for name, part in self.space(kind).items()}
        return [free, *map(one_point, self.enqueued(kind))]


def _without_defaults(section: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out keys that came later and stand at their default, so that a study keeps the hash that it began with."""
    later: dict[str, Any] = {"population": None, "reproducible": True, "constraints": {}}
    return {key: value for key, value in section.items() if key not in later or value != later[key]}


_SECTIONS: dict[str, type[_Section]] = {
    "betas": BetasSection,
    "problems": ProblemsSection,
    "seeds": SeedsSection,
    "loading": LoadingSection,
    "budget": BudgetSection,
    "execution": ExecutionSection,
}


def parse_study(raw: Any, where: str) -> Study:
    """Parse a study file's content.

    Parameters
    ----------
    raw : any
        What the YAML holds.
    where : str
        How messages call the file.

    Raises
    ------
    InputError
        One line that names the key, what was expected and the nearest valid name.
    """
    if not isinstance(raw, Mapping):
        raise InputError(
            f"{where}: expected a mapping of keys such as name, models and kinds, found {type(raw).__name__}"
        )
    for key in raw:
        check_name(str(key), (*Study.model_fields, "search"), where)
    for key, section in _SECTIONS.items():
        _check_names(raw.get(key), section, f"{where}: {key}")
    common = _common_search(raw.get("search"), where)
    if isinstance(raw.get("betas"), Mapping):
        _check_names(raw["betas"].get("simulator"), SimulatorSection, f"{where}: betas.simulator")
    kinds = raw.get("kinds")
    if kinds is not None and not isinstance(kinds, Mapping):
        raise InputError(f"{where}: kinds: expected a mapping such as `nari: {{trials: 20}}`, found {kinds!r}")
    for name, body in kinds.items() if isinstance(kinds, Mapping) else ():
        trial_kind(str(name))
        _check_names(body, KindSection, f"{where}: kinds.{name}")
    rest = {key: value for key, value in raw.items() if key != "search"}
    try:
        study = Study.model_validate({**rest, "kinds": _merge(common, kinds)} if kinds else rest)
    except ValidationError as error:
        raise _refusal(error, where, "") from error
    for name in study.kinds:
        _check_kind(study, name, f"{where}: kinds.{name}")
    return study


def _common_search(raw: Any, where: str) -> dict[str, Any]:
    """Check the search that all kinds share; their own sections go before it."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise InputError(f"{where}: search: expected a mapping such as `sampler: tpe`, found {raw!r}")
    _check_names(raw, SearchSection, f"{where}: search")
    try:
        SearchSection.model_validate(raw)
    except ValidationError as error:
        raise _refusal(error, where, "search.") from error
    return dict(raw)


def _merge(common: dict[str, Any], kinds: Mapping[str, Any]) -> dict[str, Any]:
    bodies = {name: {} if body is None else body for name, body in kinds.items()}
    return {name: {**common, **body} if isinstance(body, Mapping) else body for name, body in bodies.items()}


def _refusal(error: ValidationError, where: str, prefix: str) -> InputError:
    first = error.errors()[0]
    place = prefix + ".".join(str(part) for part in first["loc"])
    return InputError(f"{where}: {place or 'the file'}: {first['msg'].removeprefix('Value error, ')}")


def _check_names(raw: Any, section: type[_Section], where: str) -> None:
    if isinstance(raw, Mapping):
        for key in raw:
            check_name(str(key), tuple(section.model_fields), where)


def check_name(name: str, valid: tuple[str, ...], where: str) -> None:
    """Raise InputError naming the nearest valid name where `name` is not one."""
    if name not in valid:
        raise InputError(f"{where}: {unknown_key(name, valid)}")


def _check_kind(study: Study, name: str, where: str) -> None:
    kind = trial_kind(name)
    section = study.kinds[name]
    for arm in section.arms:
        check_name(arm, kind.arms, f"{where}.arms")
    for dimension in section.space:
        check_name(dimension, tuple(kind.default_setting()), f"{where}.space")
    for setting in section.enqueue:
        for dimension in setting:
            check_name(dimension, tuple(kind.default_setting()), f"{where}.enqueue")
    if len(section.enqueue) > study.n_trials(name):
        raise InputError(
            f"{where}.enqueue: expected at most {study.n_trials(name)} settings, one a trial, found "
            f"{len(section.enqueue)}: raise trials"
        )
    try:
        study.points(name)
    except ValueError as error:
        raise InputError(f"{where}.enqueue: expected values of the kind's settings, found {error}") from error
    try:
        check_conditions(study.space(name))
    except ValueError as error:
        raise InputError(f"{where}.space: {error}") from error
    if section.arms and kind.selects and section.arms[0] != kind.arms[0]:
        raise InputError(
            f"{where}.arms: expected {kind.arms[0]!r} first and its controls after, found {section.arms[0]!r}"
        )
    _check_goals(study, name, where)
    _check_sampler(study, name, where)


def _check_goals(study: Study, name: str, where: str) -> None:
    kind, section, goals = trial_kind(name), study.kinds[name], study.goals(name)
    for metric in goals.directions:
        check_name(metric, (*kind.objectives, *kind.minimised), f"{where}.objective")
    if isinstance(section.objective, tuple) and len(goals.directions) < len(section.objective):
        raise InputError(f"{where}.objective: expected metrics that differ, found one twice")
    for metric, bound in section.constraints.items():
        check_name(metric, (*kind.objectives, *kind.minimised), f"{where}.constraints")
        if bound.at_most is None and bound.at_least is None:
            raise InputError(f"{where}.constraints.{metric}: expected at_most or at_least, found neither")


def _check_sampler(study: Study, name: str, where: str) -> None:
    """Refuse a search that could never learn: a window or generation wider than the budget, a space it cannot move."""
    section, n_trials = study.kinds[name], study.n_trials(name)
    if section.sampler in LEARNING and "window" in section.model_fields_set and section.window > n_trials:
        raise InputError(
            f"{where}.window: expected at most the {n_trials} trials of an arm, found {section.window}: lower the "
            "window or raise trials"
        )
    if section.sampler in GENERATIONAL and study.population(name) > n_trials - len(section.enqueue):
        raise InputError(
            f"{where}.population: expected a generation within the {n_trials - len(section.enqueue)} trials of an arm "
            f"that are searched, found {study.population(name)}: lower population or raise trials"
        )
    if section.sampler == "cmaes" and study.population(name) < CMAES_LEAST:
        raise InputError(
            f"{where}.population: expected at least {CMAES_LEAST} for cmaes, found {study.population(name)}: raise it"
        )
    if section.sampler == "cmaes" and not study._n_ranges(name):
        raise InputError(f"{where}.sampler: expected a range for cmaes to move, found none: choose another sampler")
    if section.sampler == "cmaes" and len(study.goals(name).directions) > 1:
        raise InputError(f"{where}.sampler: expected one objective for cmaes, found several: choose nsgaii, tpe or gp")
