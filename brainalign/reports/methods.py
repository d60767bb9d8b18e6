"""A methods section in words, written from the study's own settings."""

import inspect
from collections.abc import Mapping

from brainalign.reports.estimates import Estimate
from brainalign.reports.numbers import plain, setting_text
from brainalign.reports.records import StudyRecord, section
from brainalign.spaces import (
    Choice,
    Condition,
    DepthRange,
    Dimension,
    LayerDepth,
    LayerRuns,
    LayerSets,
    Range,
    Scalar,
)
from brainalign.study import GENERATIONAL, LEARNING, Goals, Study
from brainalign.trials import trial_kind

KIND_WORDS = {
    "nari": "A displacement of the attention output at the final input token is searched for each problem and "
    "subject, so that the ridge map from the model's states to the subject's voxels predicts the subject's betas "
    "of that problem better. It is kept within a ball of radius alpha times sigma of each layer, and the model is "
    "asked again every few steps until its answer changes. The same search is made on problems that the model has "
    "right, to count what it breaks. Maps and sigmas stand on the selection part alone while settings are "
    "searched, on all problems for the report; the map of a problem leaves that problem out unless the setting's "
    "compat says release.",
    "nari_transfer": "Displacements that mended problems of the selection part in a search of kind nari are averaged "
    "to directions, per subject and type of reasoning, and added once, with the strength of the setting, to other "
    "problems; nothing looks at their answers. On the selection part the direction that moves a problem is made "
    "without that problem's own displacement; the report part is moved by the directions of the whole selection part.",
    "predictivity": "Ridge regression with intercept from the model's states at the final input token to each "
    "subject's voxels; the penalty is chosen by leave-one-out on the training folds, and the score is the Pearson "
    "correlation on held-out folds, the mean over folds, the median over voxels and then over subjects, and the "
    "maximum over layers.",
}
ARM_WORDS = {
    "guided": "guided follows the gradient towards the subject's own betas",
    "measured": "measured uses the betas as they are",
    "shuffled": "shuffled mixes each subject's problems within each type of reasoning, so that knowing the type "
    "still helps",
    "random_direction": "random_direction draws directions at random, with as many questions to the model",
    "random_direction_single": "random_direction_single keeps one random direction a pair",
    "random_betas": "random_betas follows the gradient towards betas that were drawn at random, with maps fitted anew "
    "on them",
    "random_betas_mean": "random_betas_mean does the same with betas drawn around the measured mean of each voxel",
    "label": "label puts the right answer, as a one-hot vector, in the place of the betas",
    "other_roi": "other_roi follows the betas of another region",
    "best_subject": "best_subject follows, for all subjects, the betas of the one who solved most problems",
    "worst_subject": "worst_subject follows, for all subjects, the betas of the one who solved fewest",
    "prompt": "prompt steers nothing and tries other instructions, as many as the other arms have questions",
    "bias": "bias adds a constant to the margin between True and False, with no look at the problem or the brain",
}
OBJECTIVE_WORDS = {
    "net_balanced_accuracy": "corrected minus broken pairs, as a share of all pairs within each label, averaged "
    "over the labels (0: as many broken as mended)",
    "score": "Pearson correlation of the best layer, median over subjects",
}
SAMPLER_WORDS = {
    "tpe": "the tree-structured Parzen estimator",
    "gp": "a Gaussian process with expected improvement",
    "cmaes": "CMA-ES",
    "random": "random sampling",
    "grid": "a grid in random order",
    "qmc": "a scrambled Sobol sequence",
    "nsgaii": "NSGA-II",
}


def methods(study: StudyRecord, sample: Estimate | None) -> list[str]:
    """Paragraphs of the methods section; `sample` is one of the intervals that the report shows."""
    kinds = [text for kind in study.study.kinds for text in (_kind(study, kind), _search(study, kind))]
    return [_data(study), *kinds, _statistics(sample)]


def kept_settings(study: StudyRecord, kind: str) -> dict[str, Scalar]:
    """Find the settings that are the same in all trials of a kind."""
    dimensions = study.study.space(kind) if kind in study.study.kinds else {}
    constants = {name: item for name, item in dimensions.items() if isinstance(item, Choice) and len(item.options) == 1}
    return {name: item.options[0] for name, item in constants.items()}


def space_words(name: str, dimension: Dimension) -> str:
    """One dimension of a search space in words."""
    if isinstance(dimension, Choice):
        values = ", ".join(plain(option) for option in dimension.options)
        return f"{name} one of {values}" if len(dimension.options) > 1 else f"{name} {values}"
    if isinstance(dimension, Range):
        return f"{name} {_range(dimension)}"
    if isinstance(dimension, DepthRange):
        start, width = _range(dimension.start), _range(dimension.width)
        return f"{name} starting at relative depth {start} and spanning {width} of the depth"
    if isinstance(dimension, LayerDepth):
        return f"{name} a single one at relative depth {_range(dimension.depth)}"
    if isinstance(dimension, LayerRuns):
        return f"{name} one of " + ", ".join(f"{first}–{last}" for first, last in dimension.runs)
    if isinstance(dimension, LayerSets):
        return f"{name} one of the sets " + ", ".join("{" + ", ".join(map(str, one)) + "}" for one in dimension.sets)
    if isinstance(dimension, Condition):
        met = " and ".join(f"{other} {' or '.join(map(plain, values))}" for other, values in dimension.when.items())
        return f"{space_words(name, dimension.then)} (with {met} only)"
    raise TypeError(f"expected a dimension of a search space, found {type(dimension).__name__}")


def _range(span: Range) -> str:
    if span.low == span.high:
        return plain(span.low)
    return f"{plain(span.low)} to {plain(span.high)}" + (" (log scale)" if span.log else "")


def _data(study: StudyRecord) -> str:
    data, problems = study.data, study.study.problems
    n_subjects = len(data.get("subjects") or [])
    source = "betas made by the simulator" if study.simulated else "measured fMRI betas"
    voxels = ", ".join(section(data, "n_voxels"))
    rois = f" in {voxels}" if voxels else ""
    split = section(study.manifest, "split")
    parts = [len(split.get(part) or []) for part in ("selection", "report")]
    wording = "its published wording" if data.get("wording") == "release" else "brainalign's own wording"
    return (
        f"The study stands on {source} of {n_subjects} subject{'s' if n_subjects != 1 else ''}{rois} and on "
        f"{sum(parts)} {_problems(study)}, put to the model in {wording}. Problems were split by logical form, "
        f"stratified by type of reasoning and label (selection share {plain(problems.selection_share)}, seed "
        f"{problems.seed}), into {parts[0]} for the search and {parts[1]} for the report. {_models(study)}"
    )


def _problems(study: StudyRecord) -> str:
    types = section(study.data, "problem_types")
    return f"{next(iter(types))} problems" if len(types) == 1 else "deductive problems"


def _models(study: StudyRecord) -> str:
    known = section(study.manifest, "models")
    described = []
    for name in study.study.models:
        found = known.get(name)
        detail = found if isinstance(found, Mapping) else {}
        facts = [f"{plain(detail['n_layers'])} layers"] if detail.get("n_layers") else []
        facts += [f"weights {detail['quantisation']}"] if detail.get("quantisation") else []
        described.append(f"{name} ({', '.join(facts)})" if facts else name)
    return f"Model{'s' if len(described) != 1 else ''}: {', '.join(described)}."


def _kind(study: StudyRecord, kind: str) -> str:
    described = "; ".join(ARM_WORDS.get(arm, arm) for arm in study.study.arms(kind))
    return f"Kind {kind}. {kind_words(kind)} Arms: {described}."


def _search(study: StudyRecord, kind: str) -> str:
    """How the settings of a kind were chosen, and among which."""
    parsed, found = study.study, study.study.kinds[kind]
    n, objective = parsed.n_trials(kind), parsed.objective(kind)
    meaning = f" ({OBJECTIVE_WORDS[objective]})" if objective in OBJECTIVE_WORDS else ""
    dimensions = parsed.space(kind)
    fixed = kept_settings(study, kind)
    searched = "; ".join(space_words(name, dimensions[name]) for name in dimensions if name not in fixed) or "nothing"
    sampler = SAMPLER_WORDS.get(found.sampler, found.sampler)
    startup = f" after {found.startup_trials} random trials" if found.sampler in LEARNING else ""
    startup += f" in generations of {parsed.population(kind)}" if found.sampler in GENERATIONAL else ""
    n_given = len(found.enqueue)
    enqueued = f" {n_given} of the settings {'was' if n_given == 1 else 'were'} given beforehand." if n_given else ""
    aim = f", {_aim(parsed.goals(kind), meaning)}" if study.selects(kind) else f", and measured by {objective}{meaning}"
    return (
        f"Each arm of {kind} was given {n} trial{'s' if n != 1 else ''}, chosen by {sampler}{startup} (search seed "
        f"{parsed.seeds.search}, replicate seed {parsed.seeds.replicate}){aim}.{enqueued} Varied: {searched}."
        + (f" Kept: {setting_text(fixed)}." if fixed else "")
        + _rules(parsed, kind)
    )


def _rules(study: Study, kind: str) -> str:
    """Early stopping, carried settings and repeated readings in words; empty where there are none."""
    section, unit, words = study.kinds[kind], trial_kind(kind).rung_unit, ""
    if section.stopping is not None and unit is not None:
        at = " and ".join(map(str, section.stopping.rungs))
        whom = f"its bracket of {section.stopping.bracket}" if section.stopping.bracket else "earlier ones"
        words += (
            f" A trial was stopped by {section.stopping.rule} after {at} {unit.name} where it fell behind {whom}; it "
            "counts as tried."
        )
    if section.carry and len(study.models) > 1:
        words += f" The {section.carry} best settings of the smallest model were the first trials on the others."
    if study.budget.repeats > 1 and trial_kind(kind).selects:
        words += f" Winners were read on the report part with {study.budget.repeats} replicate seeds."
    return words


def _aim(goals: Goals, meaning: str) -> str:
    """Objectives and constraints in words; `meaning` explains the first."""
    spelled = [
        f"{'maximise' if direction == 'maximize' else 'minimise'} {name}"
        for name, direction in goals.directions.items()
    ]
    spelled[0] += meaning
    several = "; winners are the best by the first" if len(spelled) > 1 else ""
    bounds = [f"{name} at most {plain(most)}" for name, most in goals.upper.items()]
    bounds += [f"{name} at least {plain(least)}" for name, least in goals.lower.items()]
    return f"to {' and to '.join(spelled)}{several}" + (f", with {' and '.join(bounds)}" if bounds else "")


def kind_words(kind: str) -> str:
    """Say what a kind of trial does: the report's words for it, or the first paragraph of its own documentation."""
    if kind in KIND_WORDS:
        return KIND_WORDS[kind]
    first = (inspect.getdoc(type(trial_kind(kind))) or kind).split("\n\n")[0]
    return " ".join(first.split())


def _statistics(sample: Estimate | None) -> str:
    made = f" ({sample.method}; {sample.n_resamples} resamples)" if sample is not None and sample.method else ""
    return (
        f"Intervals of answers are 95 % intervals of a crossed bootstrap{made}: subjects and problems are drawn "
        "together. The method and a control are compared on the report part, each with its own best setting, "
        "paired by subject and problem. Intervals of predictivity are over subjects; its spread is the median "
        "absolute deviation."
    )
