"""Which studies a scaling report stands on, and what is missing from them."""

import re
from collections.abc import Iterator, Sequence

from brainalign.artifacts import Store
from brainalign.errors import InputError
from brainalign.reports.heading import progress
from brainalign.reports.records import StudyRecord, read_study, section
from brainalign.reports.scaling.sizes import model_sizes

_REPEAT = re.compile(r"-seed(\d+)$")


def study_names(store: Store, name: str) -> list[str]:
    """Name a study, or its repeats NAME-seed0, NAME-seed1, … where it was run under several seeds."""
    known = store.studies()
    repeats = [other for other in known if (found := _REPEAT.search(other)) and other[: found.start()] == name]
    if name in known or not repeats:
        return [name]
    return sorted(repeats, key=lambda other: int(other.rsplit("-seed", 1)[1]))


def read_studies(store: Store, names: Sequence[str]) -> list[StudyRecord]:
    """Read the studies of a report.

    Raises
    ------
    StudyError
        The store has no such study, or another version of the platform wrote it.
    InputError
        The studies stand on different data or ask different problems, so that their figures make no common curve.
    """
    found = [read_study(store, name) for given in names for name in study_names(store, given)]
    studies = list({study.name: study for study in found}.values())
    for study in studies[1:]:
        for what, own, first in (
            ("data", study.data.get("content_hash"), studies[0].data.get("content_hash")),
            ("split", section(study.manifest, "split"), section(studies[0].manifest, "split")),
        ):
            if own != first:
                raise InputError(
                    f"expected studies of the same data and problems, found another {what} in {study.name} than in "
                    f"{studies[0].name}: report them apart"
                )
    return studies


def gaps(studies: Sequence[StudyRecord]) -> list[str]:
    """Say what a reader must know before any curve: what has not run, and what cannot be compared."""
    return [*_sizes(studies), *_unfinished(studies), *_missing(studies), *_seeds(studies)]


def _sizes(studies: Sequence[StudyRecord]) -> Iterator[str]:
    sizes = model_sizes(studies)
    n_sizes = len({size.n_parameters for size in sizes})
    if n_sizes == 1:
        yield f"All models have one size ({sizes[0].name}): there is no curve, and nothing is fitted."
    elif n_sizes < 3:
        yield f"There are {n_sizes} sizes only: points are shown, and no form is fitted."


def _unfinished(studies: Sequence[StudyRecord]) -> Iterator[str]:
    for study in studies:
        state = progress(study)
        if not state.finished:
            yield (
                f"{study.name} is not finished ({state.done} of {state.planned} searched trials, {state.reported} of "
                f"{state.reports_planned} winners on the report part): everything that stands on it can change."
            )
        if state.failed:
            yield f"{state.failed} trials of {study.name} failed."


def _missing(studies: Sequence[StudyRecord]) -> Iterator[str]:
    """Name methods that have no control to stand beside, and controls that have no winner yet."""
    for study in studies:
        for (model, kind), arms in study.groups.items():
            if not study.selects(kind):
                continue
            reported = {arm.arm for arm in arms if arm.winner_on_report is not None}
            methods = {arm.arm for arm in arms if arm.is_method}
            lacking = [arm.arm for arm in arms if arm.arm not in reported and not arm.is_method]
            if methods & reported and lacking:
                yield f"{kind} on {model} in {study.name} lacks its control {', '.join(lacking)} on the report part."
            if methods & reported and len(arms) == 1 and trial_has_controls(kind):
                yield f"{kind} on {model} in {study.name} ran without a control."


def trial_has_controls(kind: str) -> bool:
    """Whether a kind of trial has controls at all."""
    from brainalign.trials import trial_kind

    return len(trial_kind(kind).arms) > 1


def _seeds(studies: Sequence[StudyRecord]) -> Iterator[str]:
    """Name models that some of the studies lack."""
    if len(studies) == 1:
        yield "One seed: how much the search and the controls' draws change a figure is not shown."
        return
    reported = {
        study.name: {(arm.model, arm.kind) for arm in study.arms if arm.is_method and arm.winner_on_report is not None}
        for study in studies
    }
    everything = set().union(*reported.values())
    for study in studies:
        for kind in dict.fromkeys(kind for _, kind in sorted(everything - reported[study.name])):
            models = [model for model, other in sorted(everything - reported[study.name]) if other == kind]
            yield f"{study.name} has no figure of {kind} for {', '.join(models)}: such points stand on fewer seeds."
