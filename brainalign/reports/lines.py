"""A study's summary as lines for a console and as figures for MLflow's parent runs."""

from collections.abc import Mapping
from typing import Any

from brainalign.reports.estimates import Estimate
from brainalign.reports.numbers import interval_text, setting_text


def best_lines(summary: Mapping[str, Any]) -> list[str]:
    """Lines for a console: each arm's best setting and figures, then what the comparisons say.

    Parameters
    ----------
    summary : mapping
        As `brainalign.reports.study_summary` gives it.
    """
    lines = []
    if summary["simulated"]:
        lines.append("SIMULATED DATA: nothing here is a finding about brains")
    for place in dict.fromkeys((row["model"], row["kind"]) for row in summary["best"]):
        rows = [row for row in summary["best"] if (row["model"], row["kind"]) == place]
        kept = summary["kept"].get(place[1], {})
        lines.append(f"{place[1]} on {place[0]} ({rows[0]['objective']}, 95 % intervals)")
        measured = [row for row in summary["scores"] if (row["model"], row["kind"]) == place]
        lines += [f"  {_score_line(row, kept)}" for row in measured] or [
            f"  {_setting_line(row, kept)}" for row in rows
        ]
        told = [row for row in summary["comparisons"] if (row["model"], row["kind"]) == place]
        lines += [f"  {row['sentence']}" for row in told]
    return lines


def mlflow_summaries(summary: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Figures of the parent runs by ``"model/kind"``, for those whose trials are all done.

    ``best.ARM`` is the winner's objective on the part that was searched, ``report.ARM`` on the report part and
    ``difference.CONTROL`` the method minus the control there; each of the last two with ``.low`` and ``.high``.
    """
    figures: dict[str, dict[str, float]] = {}
    for row in summary["best"]:
        group = figures.setdefault(f"{row['model']}/{row['kind']}", {})
        _put(group, f"best.{row['arm']}", row["selection"], bounds=False)
        _put(group, f"report.{row['arm']}", row["report"])
        if row["expected_best"] is not None:
            group[f"expected_best.{row['arm']}"] = row["expected_best"]
        if row["over_seeds"] is not None:
            group |= {f"report.{row['arm']}.seeds_{what}": row["over_seeds"][what] for what in ("mean", "sd")}
    for row in summary["comparisons"]:
        _put(figures[f"{row['model']}/{row['kind']}"], f"difference.{row['control']}", row["difference"])
    open_groups = {f"{row['model']}/{row['kind']}" for row in summary["best"] if not row["done"]}
    return {group: found for group, found in figures.items() if group not in open_groups}


def _put(group: dict[str, float], name: str, estimate: Mapping[str, Any] | None, *, bounds: bool = True) -> None:
    if estimate is None or estimate["estimate"] is None:
        return
    group[name] = estimate["estimate"]
    if bounds and estimate["low"] is not None:
        group[f"{name}.low"], group[f"{name}.high"] = estimate["low"], estimate["high"]


def _setting_line(row: Mapping[str, Any], kept: Mapping[str, Any]) -> str:
    """One arm: the winner's figures, how many settings it was chosen from, and the setting where it is the method."""
    if row["number"] is None:
        return f"{row['arm']}: {row['missing']}"
    text = f"{row['arm']}: {_figures(row['selection'])}"
    if row["report"] is not None:
        text += f" on the selection part, {_figures(row['report'])} on the report part"
    elif row["missing"]:
        text += f" on the selection part. {row['missing']}"
    setting = f"; {setting_text(_varied(row, kept))}" if row["is_method"] else ""
    seeds = row["over_seeds"]
    if seeds is not None:
        text += f", over {len(seeds['values'])} seeds {seeds['mean']:+.3f} (sd {seeds['sd']:.3f})"
    missed = f"; no setting met all constraints, this one misses {', '.join(row['missed'])}" if row["missed"] else ""
    return f"{text} (best of {row['n_tried']}{setting}{missed})"


def _score_line(row: Mapping[str, Any], kept: Mapping[str, Any]) -> str:
    """One setting of a kind that chooses nothing."""
    return f"{row['arm']}, {setting_text(_varied(row, kept)) or 'the one setting'}: {_figures(row['estimate'])}"


def _varied(row: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is the same in all trials."""
    return {name: value for name, value in row["setting"].items() if name not in kept or kept[name] != value}


def _figures(estimate: Mapping[str, Any] | None) -> str:
    return interval_text(None if estimate is None else Estimate(**estimate))
