"""What winners mend and break, as tables of rates with their counts, and the report's sentences about them."""

from collections.abc import Iterator, Sequence

from brainalign.reports.comparisons import ArmComparison
from brainalign.reports.figures.style import Table
from brainalign.reports.numbers import decimal, interval_text, percent, rate, signed
from brainalign.reports.tables import BestSetting
from brainalign.steering.outcomes import Rates

_OUTCOME_HEADER = (
    "arm",
    "corrected of wrong",
    "broken of right",
    "net accuracy",
    "net balanced accuracy [interval]",
    "balanced accuracy after",
    "invalid answers",
    "margin shift (logits, + towards True)",
)
_STRATA_HEADER = ("arm", "by", "value", "corrected of wrong", "broken of right", "net accuracy")


def outcome_table(rows: Sequence[BestSetting]) -> Table:
    """Rates of each arm's winner; only arms whose kind has outcomes."""
    cells = []
    for row in rows:
        if row.summary is not None:
            overall = row.summary.overall
            part = "" if row.report is not None or not row.missing else " (selection part)"
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


def strata_table(rows: Sequence[BestSetting]) -> Table:
    """Give the same rates within each label and each type of reasoning."""
    cells = []
    for row in rows:
        if row.summary is not None:
            for by, strata in (("label", row.summary.by_label), ("type", row.summary.by_type)):
                cells += [(row.arm, by, value, *_rates(rates)) for value, rates in strata.items()]
    return Table(_STRATA_HEADER, tuple(cells))


def _rates(rates: Rates) -> tuple[str, str, str]:
    net = f"{signed(None if rates.net_accuracy is None else 100 * rates.net_accuracy, 1)} points"
    return (rate(rates.corrected, rates.n_targeted), rate(rates.broken, rates.n_right), net)


def highlights(best: Sequence[BestSetting], compared: Sequence[ArmComparison]) -> list[str]:
    """Sentences that sum up a study, beside the verdict on each control."""
    return [*_overall(compared), *_winners(best), *_measured(best)]


def _overall(compared: Sequence[ArmComparison]) -> Iterator[str]:
    """Whether the method beats all of its controls, for each (model, kind)."""
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


def _measured(best: Sequence[BestSetting]) -> Iterator[str]:
    """Scores of kinds that only measure, each beside its controls."""
    for row in best:
        if row.is_method and row.summary is None and row.selection is not None and row.report is None:
            others = [
                f"{other.arm} {decimal(other.selection.estimate)}"
                for other in best
                if (other.model, other.kind) == (row.model, row.kind)
                and not other.is_method
                and other.selection is not None
            ]
            beside = f"; {', '.join(others)}" if others else ""
            yield f"{row.kind} on {row.model}: best {row.objective} {interval_text(row.selection)}{beside}."
