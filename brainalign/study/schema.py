"""The study file: what to search, on which models, with which budget.

Parsed once into a frozen :class:`Study`; an unknown key is an error that names the nearest valid one.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from brainalign.artifacts import hash_json
from brainalign.errors import InputError
from brainalign.spaces import Choice, DepthRange, Dimension, LayerRuns, Range, Space, parse_dimension
from brainalign.trials import trial_kind

Sampler = Literal["tpe", "random", "grid"]
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

    source: Literal["auto", "release", "simulated"] = "auto"
    subjects: Annotated[int, Field(ge=1)] | tuple[str, ...] | None = None
    simulator: SimulatorSection = SimulatorSection()


class ProblemsSection(_Section):
    """How the problems are split into a part that searches see and a part that winners are reported on."""

    selection_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    seed: int = 0


class KindSection(_Section):
    """One kind of trial: its arms, each searched on its own with as many trials, and their common space."""

    arms: tuple[str, ...] = ()
    trials: Annotated[int, Field(ge=1)] | None = None
    sampler: Sampler = "tpe"
    startup_trials: Annotated[int, Field(ge=0)] = 10
    window: Annotated[int, Field(ge=1)] = 8
    objective: str | None = None
    space: Mapping[str, Choice | Range | DepthRange | LayerRuns] = Field(default_factory=dict)
    enqueue: tuple[Mapping[str, Any], ...] = ()

    @field_validator("space", mode="before")
    @classmethod
    def _short_forms(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            raise ValueError(f"expected a mapping from names to dimensions, found {type(raw).__name__}")
        return {name: parse_dimension(name, value) for name, value in raw.items()}


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

    ``workers`` is the most trials at once, ``worker_failures`` how often a trial is tried again elsewhere when its worker
    or node is lost, ``trial_timeout_s`` after how long a silent worker counts as lost (by default ten times the longest
    time that is expected, at least ten minutes), ``ahead`` how many trials are asked for beyond the room that there is,
    so that a cluster which grows on demand does.
    """

    workers: Annotated[int, Field(ge=1)] | None = None
    worker_failures: Annotated[int, Field(ge=0)] = 2
    trial_timeout_s: Annotated[float, Field(gt=0)] | None = None
    ahead: Annotated[int, Field(ge=0)] = 0


class Study(_Section):
    """A study file, parsed."""

    name: Name
    description: str = ""
    models: tuple[str, ...] = Field(min_length=1)
    kinds: Mapping[str, KindSection] = Field(min_length=1)
    betas: BetasSection = BetasSection()
    problems: ProblemsSection = ProblemsSection()
    seeds: SeedsSection = SeedsSection()
    budget: BudgetSection = BudgetSection()
    execution: ExecutionSection = ExecutionSection()

    @property
    def identity(self) -> str:
        """Hash of everything that changes what the study finds; not its words, nor how it is run."""
        return hash_json(self.model_dump(mode="json", exclude={"description", "execution", "budget"}) | self._sizes())

    def _sizes(self) -> dict[str, Any]:
        return {"n_trials": {name: self.n_trials(name) for name in self.kinds}}

    def n_trials(self, kind: str) -> int:
        """Trials of each arm of a kind."""
        return self.kinds[kind].trials or self.budget.trials

    def arms(self, kind: str) -> tuple[str, ...]:
        """Arms of a kind: those of the file, or the kind's default ones."""
        return self.kinds[kind].arms or trial_kind(kind).default_arms

    def objective(self, kind: str) -> str:
        """Metric that the kind's searches maximise."""
        return self.kinds[kind].objective or trial_kind(kind).objectives[0]

    def space(self, kind: str) -> Space:
        """Space of a kind: the file's, with the source's values for names it leaves out; without any, the default."""
        given = self.kinds[kind].space
        if not given:
            return trial_kind(kind).default_space()
        fixed = {name: _fixed(value) for name, value in trial_kind(kind).default_setting().items() if name not in given}
        return {**given, **fixed}

    def enqueued(self, kind: str) -> list[dict[str, Any]]:
        """Return the settings that every arm of a kind tries first, whole: what they leave out is the source's."""
        default, names = trial_kind(kind).default_setting(), self.space(kind)
        return [{name: {**default, **given}[name] for name in names} for given in self.kinds[kind].enqueue]

    def points(self, kind: str) -> list[Space]:
        """All that a kind's arms may try: the space, and each enqueued setting as a space of one point."""
        fixed = [{name: _fixed(value) for name, value in setting.items()} for setting in self.enqueued(kind)]
        return [self.space(kind), *fixed]


def _fixed(value: Any) -> Dimension:
    """Spell a value of a setting as a dimension of one point."""
    if isinstance(value, Mapping) and "run" in value:
        first, _, last = str(value["run"]).partition("-")
        return parse_dimension("run", {"runs": [[first, last or first]]})
    return parse_dimension("value", value) if isinstance(value, Mapping) else Choice(options=(value,))


_SECTIONS: dict[str, type[_Section]] = {
    "betas": BetasSection,
    "problems": ProblemsSection,
    "seeds": SeedsSection,
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
    _check_names(raw, Study, where)
    for key, section in _SECTIONS.items():
        _check_names(raw.get(key), section, f"{where}: {key}")
    if isinstance(raw.get("betas"), Mapping):
        _check_names(raw["betas"].get("simulator"), SimulatorSection, f"{where}: betas.simulator")
    kinds = raw.get("kinds")
    if kinds is not None and not isinstance(kinds, Mapping):
        raise InputError(f"{where}: kinds: expected a mapping such as `nari: {{trials: 20}}`, found {kinds!r}")
    for name, body in kinds.items() if isinstance(kinds, Mapping) else ():
        trial_kind(str(name))
        _check_names(body, KindSection, f"{where}: kinds.{name}")
    try:
        study = Study.model_validate({**raw, "kinds": {k: v or {} for k, v in kinds.items()}} if kinds else raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{where}: {place}: {first['msg'].removeprefix('Value error, ')}") from error
    for name in study.kinds:
        _check_kind(study, name, f"{where}: kinds.{name}")
    return study


def _check_names(raw: Any, section: type[_Section], where: str) -> None:
    if isinstance(raw, Mapping):
        for key in raw:
            check_name(str(key), tuple(section.model_fields), where)


def check_name(name: str, valid: tuple[str, ...], where: str) -> None:
    """Raise InputError naming the nearest valid name where `name` is not one."""
    if name not in valid:
        near = get_close_matches(name, valid, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"valid are {', '.join(valid)}"
        raise InputError(f"{where}: unknown key {name!r}: {hint}")


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
    if section.objective is not None:
        check_name(section.objective, kind.objectives, f"{where}.objective")
    if section.arms and kind.selects and section.arms[0] != kind.arms[0]:
        raise InputError(
            f"{where}.arms: expected {kind.arms[0]!r} first and its controls after, found {section.arms[0]!r}"
        )
