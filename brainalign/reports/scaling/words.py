"""The scaling report's sentences: its head, what the curves show, and how they were made."""

from collections.abc import Iterator, Sequence

from brainalign.reports.comparisons import verdict_of
from brainalign.reports.figures.scaling_curves import size_words
from brainalign.reports.heading import Fact
from brainalign.reports.numbers import count, duration, interval_text, percent
from brainalign.reports.records import StudyRecord
from brainalign.reports.scaling.curves import ScalingCurve
from brainalign.reports.scaling.fits import CurveFit, equations
from brainalign.reports.scaling.forecasts import Scored
from brainalign.reports.scaling.sizes import model_sizes
from brainalign.statistics.scaling import CAUTION, FORMS


def facts(studies: Sequence[StudyRecord]) -> list[Fact]:
    """List the facts of the head."""
    sizes = model_sizes(studies)
    families: dict[str, list[str]] = {}
    for size in sizes:
        families.setdefault(size.family, []).append(size_words(size.n_parameters))
    seeds = tuple(f"{s.name}: search {s.study.seeds.search}, replicate {s.study.seeds.replicate}" for s in studies)
    data = "SIMULATED betas" if any(study.simulated for study in studies) else "Measured betas"
    spent = sum(row.seconds for study in studies for row in study.trials if not row.reused)
    n_trials = sum(len(study.trials) for study in studies)
    return [
        Fact("Data", data, (str(studies[0].data.get("description") or ""),)),
        Fact(
            "Models",
            str(len(sizes)),
            tuple(f"{family}: {', '.join(found)} parameters" for family, found in families.items()),
        ),
        Fact("Seeds", str(len(studies)), seeds),
        Fact("Trials", count(n_trials), (f"{duration(spent)} of work in all",)),
    ]


def sentences(curves: Sequence[ScalingCurve], fits: Sequence[CurveFit], scored: Sequence[Scored]) -> list[str]:
    """Say what the curves show: where the method differs from its controls, what is known of forms, and forecasts."""
    return [*_differences(curves), *_forms(fits), *_foretold(fits), *_scored(scored)]


def _differences(curves: Sequence[ScalingCurve]) -> Iterator[str]:
    for curve in curves:
        if curve.quantity != "difference":
            continue
        verdicts = {"better": [], "worse": [], "none": []}  # type: dict[str, list[str]]
        for point in curve.points:
            verdicts[verdict_of(point.estimate)].append(
                f"{point.size.name} ({interval_text(point.estimate, difference=True)})"
            )
        told = [f"{words} 0 on {', '.join(found)}" for words, found in _relations(verdicts) if found]
        n = len(curve.points)
        if not told:
            yield f"{curve.kind}, {curve.arm}: no difference is shown on any of {n} models."
        else:
            yield f"{curve.kind}, {curve.arm}: {'; '.join(told)}; of {n} models, without a correction for their number."


def _relations(verdicts: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    return [("above", verdicts["better"]), ("below", verdicts["worse"])]


def _forms(fits: Sequence[CurveFit]) -> Iterator[str]:
    """Say which curves' forms are told, and sum up the others."""
    passed = [fit for fit in fits if fit.gate.passed]
    for fit in passed:
        yield f"{fit.curve.kind}, {fit.sentence}"
    if len(fits) > len(passed):
        yield (
            f"For {len(fits) - len(passed)} of {len(fits)} fitted curves the data do not tell the forms apart; no form "
            "and no exponent is given for them."
        )


def _foretold(fits: Sequence[CurveFit]) -> Iterator[str]:
    told = [fit.foretold for fit in fits if fit.foretold is not None]
    if told:
        inside = sum(item.inside for item in told)
        yield (
            f"Predicted from the smaller models, the largest one lies in the 95 % interval in {inside} of {len(told)} "
            f"curves ({percent(inside / len(told))}); these were computed after it was run."
        )


def _scored(scored: Sequence[Scored]) -> Iterator[str]:
    run = [item for item in scored if item.outcome is not None]
    early = [item for item in run if item.counts]
    if early:
        inside = sum(item.where == "inside" for item in early)
        yield f"Of {len(early)} figures that were frozen before their results, {inside} lie in the foretold interval."
    if len(run) > len(early):
        yield f"{len(run) - len(early)} frozen figures do not count: they came after results, or were changed."
    if len(scored) > len(run):
        yield f"{len(scored) - len(run)} frozen figures wait for their results."


def scaling_methods(studies: Sequence[StudyRecord]) -> list[str]:
    """Paragraphs on seeds, curves, fits and forecasts."""
    names = ", ".join(study.name for study in studies)
    seeds = "one seed" if len(studies) == 1 else f"{len(studies)} seeds, each with a search and draws of its own"
    return [
        f"Scaling. The report joins {names}: {seeds}. A point is the mean over seeds of the winners' outcomes on the "
        "report part. Subjects and problems are resampled together, the same draw for all models, arms and seeds of a "
        "kind, so that points of one curve err together and differences are paired; a seed's own accidents are shown "
        "as points and enter the fits as further variance. Sizes are trained numbers, tied ones counted once.",
        f"Forms. Five are compared: {equations()}. Each is fitted with an unknown scatter between models and the "
        "covariance of the points; coefficients are integrated out, exponents and scatter summed over a grid. Forms "
        "are equally likely before. The table gives each form's probability, its root mean square error on models left "
        "out one by one and on families left out whole, and the log density of the left-out models. A form is told "
        "only with a probability of 0.9, the best log density, and an exponent whose profile likelihood (maximum "
        "likelihood over all else, from several starts) is bounded on both sides and away from 0.",
        f"Forecasts weigh all {len(FORMS)} forms by their evidence to the power of {CAUTION:g}, and hold whether or "
        "not one is told: on 2,000 synthetic curves of known form, 5 to 9 sizes each, the 95 % interval of a larger "
        "model held 97 % of outcomes, and 96 % of the 142 where a form was told. A frozen forecast is stamped "
        "with a hash of all that it says and counts only if no trial of the foretold model had started and no result "
        "of it was in the store. CRPS is the continuous ranked probability score, in the figure's unit; 0 is best.",
    ]
