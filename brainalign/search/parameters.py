"""A kind's space as Optuna knows it: distributions of plain parameters, which of them a setting has, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from brainalign.spaces import Choice, Condition, Range, Scalar, flatten, nest, unnest
from brainalign.study import Study
from brainalign.trials import trial_kind


@dataclass(frozen=True)
class Parameters:
    """Plain parameters of a kind's space.

    Attributes
    ----------
    free : dict of str to distribution
        Those that vary whatever else is chosen, by name in alphabetical order, as Optuna's samplers take them.
    conditional : dict of str to distribution
        Those that vary under a condition.
    constants : dict of str to scalar
    conditions : dict of str to Condition
        By the name of the dimension in the space, whose parameters are ``name`` or ``name.part``.
    fallback : dict
        Values of conditional dimensions where their condition is not met: those of the method's source.
    """

    free: dict[str, BaseDistribution]
    conditional: dict[str, BaseDistribution]
    constants: dict[str, Scalar]
    conditions: dict[str, Condition]
    fallback: dict[str, Any]

    @classmethod
    def of(cls, study: Study, kind: str) -> "Parameters":
        """Read the parameters of a kind from a study."""
        space, default = study.space(kind), trial_kind(kind).default_setting()
        flat = {name: (part, _distribution(part)) for name, part in sorted(flatten(space).items())}
        conditions = {name: part for name, part in space.items() if isinstance(part, Condition)}
        bound = {name for name in flat if name.partition(".")[0] in conditions}
        single = {name for name, (_, distribution) in flat.items() if name not in bound and distribution.single()}
        return cls(
            free={name: flat[name][1] for name in flat if name not in bound | single},
            conditional={name: flat[name][1] for name in flat if name in bound},
            constants={name: flat[name][0].grid()[0] for name in single},
            conditions=conditions,
            fallback={name: default[name] for name in conditions},
        )

    def open(self, flat: Mapping[str, Any]) -> dict[str, BaseDistribution]:
        """Distributions of the conditional parameters whose condition the others meet."""
        met = {name for name, condition in self.conditions.items() if condition.holds(flat)}
        return {name: part for name, part in self.conditional.items() if name.partition(".")[0] in met}

    def complete(self, chosen: Mapping[str, Scalar]) -> dict[str, Any]:
        """Make a whole setting of chosen parameters: constants, and the source's values where nothing was chosen."""
        setting = nest({**self.constants, **chosen})
        return {**{name: value for name, value in self.fallback.items() if name not in setting}, **setting}

    def finish(self, trial: Trial) -> dict[str, Any]:
        """Ask a trial, whose free parameters are chosen, for those whose condition is met, and make its setting."""
        chosen = dict(trial.params)
        for name, distribution in self.open({**self.constants, **chosen}).items():
            chosen[name] = _ask(trial, name, distribution)
        return self.complete(chosen)

    def known(self, setting: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
        """Parameters and distributions of a setting; none at all where one lies outside the space."""
        flat = unnest(setting)
        distributions = {**self.free, **self.open(flat)}
        params = {name: flat.get(name) for name in distributions}
        if all(_contains(distributions[name], value) for name, value in params.items()):
            return params, distributions
        return {}, {}


def _distribution(part: Choice | Range) -> BaseDistribution:
    if isinstance(part, Choice):
        return CategoricalDistribution(part.options)
    if part.integer:
        return IntDistribution(int(part.low), int(part.high), log=part.log)
    return FloatDistribution(part.low, part.high, log=part.log)


def _contains(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    return value is not None and bool(distribution._contains(distribution.to_internal_repr(value)))


def _ask(trial: Trial, name: str, distribution: BaseDistribution) -> Scalar:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, distribution.low, distribution.high, log=distribution.log)
    return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)
