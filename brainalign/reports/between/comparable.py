"""What of two studies may be set beside each other, and why the rest may not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from brainalign.errors import InputError
from brainalign.reports.records import ArmRecord, StudyRecord, section

Pairing = tuple[str, str]
"""A model of the first study and the model of the second that it is set beside."""


@dataclass(frozen=True)
class Cell:
    """An arm of a kind that both studies ran, on the models that are set beside each other."""

    first: ArmRecord
    second: ArmRecord

    @property
    def kind(self) -> str:
        """Kind of both."""
        return self.first.kind

    @property
    def models(self) -> Pairing:
        """Model of each."""
        return self.first.model, self.second.model


def check_comparable(first: StudyRecord, second: StudyRecord) -> None:
    """Refuse two studies whose figures do not stand on the same things.

    Raises
    ------
    InputError
        The betas, the subjects or the problems of the report part differ.
    """
    for what, name in (("betas", "content_hash"), ("subjects", "subjects")):
        found = [_spell(study.data.get(name)) for study in (first, second)]
        if found[0] != found[1]:
            told = [f"{found[i]} ({_description(study)})" for i, study in enumerate((first, second))]
            raise InputError(
                f"expected two studies on the same {what}, found {told[0]} in {first.name} and {told[1]} in "
                f"{second.name}: compare studies that stand on the same data"
            )
    parts = [set(section(study.manifest, "split").get("report") or []) for study in (first, second)]
    if parts[0] != parts[1]:
        raise InputError(
            f"expected the same problems on the report part of {first.name} and {second.name}, found "
            f"{len(parts[0] & parts[1])} shared of {len(parts[0])} and {len(parts[1])}: give both studies one "
            "selection_share and one seed of the split"
        )


def warnings(first: StudyRecord, second: StudyRecord) -> Iterator[str]:
    """Say what differs between two comparable studies beside what was to be compared, and what is not finished."""
    if first.data.get("wording_hash") != second.data.get("wording_hash"):
        yield (
            f"The problems were worded differently ({first.data.get('wording')} and {second.data.get('wording')}): "
            "differences are of the wording as well."
        )
    for kind in sorted({arm.kind for arm in first.arms} & {arm.kind for arm in second.arms}):
        tried = [study.study.n_trials(kind) for study in (first, second)]
        if tried[0] != tried[1] and first.selects(kind):
            yield (
                f"{kind} chose the best of {tried[0]} settings an arm in {first.name} and of {tried[1]} in "
                f"{second.name}: the longer search had more chances."
            )
    for study in (first, second):
        if any(study.selects(arm.kind) and arm.winner_on_report is None for arm in study.arms):
            yield f"{study.name} is not finished: some winners have not been run on the report part."


def cells(first: StudyRecord, second: StudyRecord, models: Mapping[str, str] | None = None) -> list[Cell]:
    """Arms that both studies have, on equal models or on those that `models` sets beside each other.

    Raises
    ------
    InputError
        A model that a study does not have, the same study on the same models twice, or nothing in common.
    """
    pairs = _pairs(first, second, models)
    found = [
        Cell(one, other)
        for pair in pairs
        for one in first.arms
        for other in second.arms
        if (one.model, other.model) == pair and (one.kind, one.arm) == (other.kind, other.arm)
    ]
    if not found:
        theirs = [_cells_text(study) for study in (first, second)]
        raise InputError(
            f"expected a model, kind and arm that {first.name} and {second.name} both have, found {theirs[0]} and "
            f"{theirs[1]}: name models to set beside each other with --models FIRST=SECOND"
        )
    return found


def only_in_one(first: StudyRecord, second: StudyRecord, shared: list[Cell]) -> list[str]:
    """Say which arms stand in one study only."""
    told = []
    for study, sides in ((first, [cell.first for cell in shared]), (second, [cell.second for cell in shared])):
        alone = [arm for arm in study.arms if not any(arm is side for side in sides)]
        if alone:
            names = ", ".join(f"{arm.kind} {arm.arm} on {arm.model}" for arm in alone)
            told.append(f"Only in {study.name}: {names}.")
    return told


def _pairs(first: StudyRecord, second: StudyRecord, models: Mapping[str, str] | None) -> list[Pairing]:
    have = [list(dict.fromkeys(arm.model for arm in study.arms)) for study in (first, second)]
    if models is None:
        pairs = [(name, name) for name in have[0] if name in have[1]]
    else:
        pairs = list(models.items())
        for pair in pairs:
            for study, name, known in zip((first, second), pair, have, strict=True):
                if name not in known:
                    raise InputError(f"expected a model of {study.name}, found {name!r}: it has {', '.join(known)}")
    same = first.store.root == second.store.root and first.name == second.name
    if same and all(one == other for one, other in pairs):
        raise InputError(
            f"expected two studies, found {first.name} twice: name another, or two of its models with "
            "--models FIRST=SECOND"
        )
    return pairs


def _cells_text(study: StudyRecord) -> str:
    return ", ".join(f"{kind} on {model}" for model, kind in study.groups) or "nothing"


def _spell(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)}: {', '.join(map(str, value[:12]))}"
    return str(value)


def _description(study: StudyRecord) -> str:
    return f"{study.data.get('source')}: {study.data.get('description')}"
