"""The study file: what to search, on which models, with which budget.

Parsed once into a frozen :class:`Study`; an unknown key is an error that names the nearest valid one.
"""

import math
from collections.abc import Container, Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from brainalign.artifacts import hash_json
from brainalign.betas import REGIONS
from brainalign.errors import InputError
from brainalign.spaces import Choice, Condition, Range, Space, flatten, unconditional
from brainalign.study.checks import check_kind, check_name
from brainalign.study.goals import MODELLED_COST, Direction, Goals
from brainalign.study.searching import GENERATIONAL, NSGAII_POPULATION, Goal, KindSection, SearchSection
from brainalign.study.sections import (
    BetasSection,
    BudgetSection,
    ExecutionSection,
    LoadingSection,
    ProblemsSection,
    Section,
    SeedsSection,
    SimulatorSection,
)
from brainalign.trials import one_point, trial_kind

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Study(Section):
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
        natural: dict[str, Direction] = dict.fromkeys((*known.minimised, MODELLED_COST), "minimize")
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
        return NSGAII_POPULATION if section.sampler == "nsgaii" else 4 + int(3 * math.log(max(self.n_ranges(kind), 1)))

    def n_ranges(self, kind: str) -> int:
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
    later: dict[str, Any] = {"population": None, "reproducible": True, "constraints": {}, "stopping": None, "carry": 0}
    return {key: value for key, value in section.items() if key not in later or value != later[key]}


_SECTIONS: dict[str, type[Section]] = {
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
        check_kind(study, name, f"{where}: kinds.{name}")
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


def _check_names(raw: Any, section: type[Section], where: str) -> None:
    if isinstance(raw, Mapping):
        for key in raw:
            check_name(str(key), tuple(section.model_fields), where)
