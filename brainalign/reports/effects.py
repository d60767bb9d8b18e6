"""What winners mend and break, as tables of rates with their counts, and the report's sentences about them."""

from collections.abc import Iterator, Sequence

from brainalign.reports.comparisons import ArmComparison
from brainalign.reports.figures.style import Table
from brainalign.reports.numbers import decimal, interval_text, percent, rate, setting_text, signed
from brainalign.reports.records import StudyRecord
from brainalign.reports.tables import BestSetting, scores_of
from brainalign.steering.outcomes import Rates

_OUTCOME_HEADER = (
    "arm",
    "corrected of wrong",
    "broken of right",
    "net accuracy (percentage points)",
    "net balanced accuracy [interval]",
    "balanced accuracy after",
    "invalid answers",
    "margin shift (logits, + towards True)",
)
_STRATA_HEADER = ("arm", "by", "value", "corrected of wrong", "broken of right", "net accuracy (percentage points)")


def outcome_table(rows: Sequence[BestSetting]) -> Table:
    """Rates of each arm's winner; only arms whose kind has outcomes."""
    cells = []
    for row in rows:
        if row.summary is not None:
            overall = row.summary.overall
            part = "" if outcome_part(rows) else f" ({row.summary_part} part)"
            cells.append(
                (
                    row.arm + part,
                    *_rates(overall),
                    interval_text(row.summary.interval, difference=True),
                    percent(overall.balanced_accuracy),
                    percent(row.summary.invalid),
                    signed(row.summary.margin_change, 2),
                )
            )
    return Table(_OUTCOME_HEADER, tuple(cells))


def outcome_part(rows: Sequence[BestSetting]) -> str | None:
    """Name the part that all outcomes of a table stand on; None where they differ or there are none."""
    parts = {row.summary_part for row in rows if row.summary is not None}
    return parts.pop() if len(parts) == 1 else None


def strata_table(rows: Sequence[BestSetting]) -> Table:
    """Give the same rates within each label and each type of reasoning."""
    cells = []
    for row in rows:
        if row.summary is not None:
            for by, strata in (("label", row.summary.by_label), ("type", row.summary.by_type)):
                cells += [(row.arm, by, value, *_rates(rates)) for value, rates in strata.items()]
    return Table(_STRATA_HEADER, tuple(cells))


def _rates(rates: Rates) -> tuple[str, str, str]:
    net = f"{signed(None if rates.net_accuracy is None else 100 * rates.net_accuracy, 1)}"
    return (rate(rates.corrected, rates.n_targeted), rate(rates.broken, rates.n_right), net)


def overall(compared: Sequence[ArmComparison]) -> Iterator[str]:
    """Say whether the method beats all of its controls, for each (model, kind)."""
    for model, kind in dict.fromkeys((item.model, item.kind) for item in compared):
        verdicts = [item.verdict for item in compared if (item.model, item.kind) == (model, kind)]
        done = [verdict for verdict in verdicts if verdict != "absent"]
        method = next(item.method for item in compared if (item.model, item.kind) == (model, kind))
        if not done:
            continue
        if all(verdict == "better" for verdict in done) and len(done) == len(verdicts):
            yield f"On {model}, {method} {kind} does better than every control."
        elif "better" not in done:
            yield (
                f"On {model}, {method} {kind} does better than none of its {len(done)} controls that could be "
                "compared: this is a null result, the study shows no benefit of guidance by these betas."
            )
        else:
            won = sum(verdict == "better" for verdict in done)
            yield f"On {model}, {method} {kind} does better than {won} of {len(done)} controls, so not than any push."


def highlights(study: StudyRecord, best: Sequence[BestSetting]) -> list[str]:
    """Sentences that sum up a study, beside the verdict on each control."""
    measured = [
        line for model, kind in study.groups if not study.selects(kind) for line in _measured(study, model, kind)
    ]
    return [*_winners(best), *measured]


def _winners(best: Sequence[BestSetting]) -> Iterator[str]:
    """Say what the method's winner does to answers."""
    for row in best:
        if row.is_method and row.summary is not None:
            overall = row.summary.overall
            where = (
                "on the report part"
                if row.summary_part == "report" and row.report is not None
                else "on the selection part"
            )
            yield (
                f"The best {row.arm} setting of {row.kind} on {row.model} corrects "
                f"{rate(overall.corrected, overall.n_targeted)} wrong pairs and breaks "
                f"{rate(overall.broken, overall.n_right)} right ones {where}; {percent(row.summary.invalid)} of its "
                "answers are invalid."
            )


def _measured(study: StudyRecord, model: str, kind: str) -> Iterator[str]:
    """Scores of a kind that only measures, each beside the controls of the same setting."""
    scores = scores_of(study, model, kind)
    varied = {name for score in scores for name in score.setting if len({str(s.setting.get(name)) for s in scores}) > 1}
    for score in scores:
        if score.is_method and score.estimate is not None:
            same = [other for other in scores if other.setting == score.setting and not other.is_method]
            told = [f"{other.arm} {decimal(other.estimate.estimate)}" for other in same if other.estimate is not None]
            beside = f" ({', '.join(told)})" if told else ""
            where = setting_text({name: score.setting[name] for name in varied if name in score.setting})
            objective = study.objective_name(kind)
            yield f"{kind} on {model}, {where}: {objective} {interval_text(score.estimate)}{beside}."
