"""What a study cannot claim, derived from its facts: each limit is a sentence, given only where its fact holds."""

from collections.abc import Callable, Iterator, Mapping

from brainalign.reports.heading import progress
from brainalign.reports.numbers import is_number, percent
from brainalign.reports.records import StudyRecord, section

FEW_SUBJECTS = 6
FEW_PROBLEMS = 40
FEW_TRIALS = 10
HABIT = 0.8
"""Share of one answer from which a model is said to have a habit."""


def limits(study: StudyRecord, n_comparisons: int) -> list[str]:
    """All limits that hold for a study.

    Parameters
    ----------
    study : StudyRecord
    n_comparisons : int
        Comparisons of the method with a control that the report shows.
    """
    found = [sentence for check in _CHECKS for sentence in check(study)]
    if n_comparisons > 1:
        found.append(
            f"{n_comparisons} comparisons are shown without a correction for their number: with no effect at all, "
            "about one in twenty intervals excludes zero."
        )
    return found


def _simulated(study: StudyRecord) -> Iterator[str]:
    if study.simulated:
        yield (
            "The betas are simulated: the study shows that the platform works, and nothing about brains or about "
            "guidance by them."
        )


def _few_subjects(study: StudyRecord) -> Iterator[str]:
    n = len(study.data.get("subjects") or [])
    if n == 1:
        yield (
            "One subject only: nothing can be said about other subjects, and intervals leave out how much "
            "subjects differ."
        )
    elif 1 < n < FEW_SUBJECTS:
        yield f"Only {n} subjects: the interval over subjects is coarse and hangs on each of them."


def _few_problems(study: StudyRecord) -> Iterator[str]:
    n = len(section(study.manifest, "split").get("report") or [])
    if 0 < n < FEW_PROBLEMS:
        n_types = len(section(study.data, "problem_types"))
        types = f" of {n_types} types" if n_types > 1 else ""
        yield f"The report part has {n} problems{types}: effects of a few per cent cannot be told from none."


def _wording(study: StudyRecord) -> Iterator[str]:
    if study.data.get("wording") == "brainalign" and not study.simulated:
        yield (
            "The problems were put to the model in brainalign's own wording, not in the one of the published "
            "experiment; figures do not compare directly."
        )
    elif study.data.get("wording") == "release":
        yield (
            "Answers were asked for in one wording, that of the release; another wording may change what the "
            "model gets right."
        )


def _quantised(study: StudyRecord) -> Iterator[str]:
    for name, facts in section(study.manifest, "models").items():
        if isinstance(facts, Mapping) and facts.get("quantisation"):
            yield (
                f"{name} has quantised weights ({facts['quantisation']}); its full-precision original may behave "
                "otherwise."
            )


def _answer_habits(study: StudyRecord) -> Iterator[str]:
    for model, parts in section(study.manifest, "baseline").items():
        scores = parts.get("report") or parts.get("selection") or {} if isinstance(parts, Mapping) else {}
        share, invalid = scores.get("share_true"), scores.get("invalid")
        if is_number(share) and (share >= HABIT or share <= 1 - HABIT):
            usual, other = ("True", "False") if share >= HABIT else ("False", "True")
            yield (
                f"Unsteered, {model} answers True to {percent(share)} of the report problems: nearly all that it "
                f"gets wrong should be answered {other}, so any push away from {usual} looks like a correction. "
                "Read the figures by label and the balanced ones."
            )
        if is_number(invalid) and invalid > 0.1:
            yield f"Unsteered, {model} answers neither True nor False to {percent(invalid)} of the report problems."


def _short_search(study: StudyRecord) -> Iterator[str]:
    short = {kind: study.study.n_trials(kind) for kind in study.study.kinds if study.selects(kind)}
    for kind, n in short.items():
        if n < FEW_TRIALS:
            yield (
                f"Each arm of {kind} tried {n} setting{'s' if n != 1 else ''}: better ones may exist for the "
                "method and for the controls."
            )


def _no_control(study: StudyRecord) -> Iterator[str]:
    for (model, kind), arms in study.groups.items():
        if all(arm.is_method for arm in arms):
            told = "what its method gained cannot be told from what any push would gain"
            unknown = told if study.selects(kind) else "how much would be found where there is nothing is not known"
            yield f"{kind} on {model} ran without a control: {unknown}."


def _unfinished(study: StudyRecord) -> Iterator[str]:
    state = progress(study)
    if not state.finished:
        yield (
            f"The study is unfinished ({state.done} of {state.planned} trials, {state.reported} of "
            f"{state.reports_planned} winners)."
        )
    if state.failed:
        yield f"{state.failed} trials failed; if settings fail for a reason tied to their effect, the search is biased."


def _one_of_each(study: StudyRecord) -> Iterator[str]:
    if len(study.study.models) == 1:
        yield f"One model ({study.study.models[0]}): nothing follows for other models or sizes."
    if len({row.replicate for row in study.trials}) == 1:
        yield "One replicate seed: how much the controls' random draws change their figures is in no interval."


def _layer_choice(study: StudyRecord) -> Iterator[str]:
    if "predictivity" not in study.study.kinds:
        return
    yield (
        "Predictivity is the maximum over layers, chosen on the folds that it is scored on, as published: it is a "
        "little too high."
    )
    if "shuffled" in study.study.arms("predictivity"):
        yield (
            "With one type of reasoning the shuffled arm shows what is found where there is nothing, with the same "
            "choice of a layer."
            if len(section(study.data, "problem_types")) == 1
            else "The shuffled arm keeps the types of reasoning in place: it shows what the type alone explains, with "
            "the same choice of a layer."
        )


_CHECKS: tuple[Callable[[StudyRecord], Iterator[str]], ...] = (
    _simulated,
    _unfinished,
    _few_subjects,
    _few_problems,
    _answer_habits,
    _wording,
    _quantised,
    _no_control,
    _short_search,
    _one_of_each,
    _layer_choice,
)
