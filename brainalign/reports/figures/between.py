"""Two studies beside each other: differences with their intervals, and the problems behind them."""

import plotly.graph_objects as go

from brainalign.reports.between.contrast import Contrast, StudyComparison, p_text
from brainalign.reports.figures.style import FAINT, OKABE_ITO, Figure, Panel, Table, axis, panel
from brainalign.reports.numbers import decimal, interval_text, signed

_HEADER = (
    "kind",
    "arm",
    "models",
    "quantity",
    "first [interval]",
    "second [interval]",
    "first − second [interval]",
    "won : lost : equal",
    "p",
    "p (Holm)",
    "q (Benjamini-Hochberg)",
)
_COLOURS = {"better": OKABE_ITO[0], "worse": OKABE_ITO[4], "none": OKABE_ITO[6]}
_SYMBOLS = {"better": "circle", "worse": "square", "none": "circle-open"}


def differences(compared: StudyComparison) -> Figure:
    """One panel a (kind, models): the first study minus the second, arm by arm."""
    groups: dict[tuple[str, str], list[Contrast]] = {}
    for item in compared.contrasts:
        if item.difference is not None:
            groups.setdefault((item.where, item.quantity), []).append(item)
    panels = tuple(
        _forest(f"differences-{i}", where, quantity, items)
        for i, ((where, quantity), items) in enumerate(groups.items())
    )
    return Figure(
        identifier="differences",
        title=f"{compared.first.name} minus {compared.second.name}",
        caption="Dots: the paired difference between the two winners. Bars: 95 % intervals, crossed over subjects and "
        "problems (over subjects alone for predictivity); they are not corrected for the number of rows. Filled marks: "
        f"shown to differ after Holm's correction over all {compared.n_tests} tests of this page (circles above zero, "
        "squares below); open marks: not shown to differ. Rows with a minus sign compare what the method has above a "
        "control in each study.",
        panels=panels,
        table=contrast_table(compared),
        missing="" if panels else "No arm has a winner on the report part in both studies.",
    )


def by_problem(compared: StudyComparison) -> Figure:
    """One panel a method: its difference on every problem, sorted."""
    methods = [
        item for item in compared.contrasts if item.unit == "problem" and len(item.by_unit) and "−" not in item.arm
    ]
    shown = [item for item in methods if item.arm == next(m.arm for m in methods if m.where == item.where)]
    rows = tuple(row for item in methods for row in _unit_rows(item))
    header = ("arm", "kind and models", "problem", "type", "right answer", "first", "second", "first − second")
    return Figure(
        identifier="by-problem",
        title="Problem by problem",
        caption="Each bar is a problem of the report part: the method's winner in the first study minus that in the "
        "second, mean over subjects and orders. These are the units that the test flips. Problems without a bar are "
        "answered alike.",
        panels=tuple(_bars(f"by-problem-{i}", item) for i, item in enumerate(shown)),
        table=Table(header, rows) if rows else None,
        missing="" if shown else "No kind with answers stands in both studies.",
    )


def contrast_table(compared: StudyComparison) -> Table:
    """All contrasts with figures, tests and what is missing."""
    rows = []
    for item in compared.contrasts:
        models = item.models[0] if item.models[0] == item.models[1] else " / ".join(item.models)
        if item.test is None:
            rows.append((item.kind, item.arm, models, item.quantity, item.missing, *["–"] * 6))
            continue
        equal = item.test.n_items - item.n_won - item.n_lost
        p_values = [item.test.p_value, *(item.p_corrected[name] for name in ("holm", "fdr_bh"))]
        figures = (
            interval_text(item.first),
            interval_text(item.second),
            interval_text(item.difference, difference=True),
            f"{item.n_won} : {item.n_lost} : {equal} {item.unit}s",
            *(p_text(p).removeprefix("= ") for p in p_values),
        )
        rows.append((item.kind, item.arm, models, item.quantity, *figures))
    return Table(_HEADER, tuple(rows))


def _forest(identifier: str, where: str, quantity: str, items: list[Contrast]) -> Panel:
    traces = []
    for item in items:
        found = item.difference
        if found is None:
            continue
        colour = _COLOURS[item.verdict]
        error = {
            "type": "data", "symmetric": False, "thickness": 2, "width": 6, "color": colour,
            "array": [(found.high or 0.0) - found.estimate], "arrayminus": [found.estimate - (found.low or 0.0)],
        }  # fmt: skip
        traces.append(
            go.Scatter(
                x=[found.estimate],
                y=[item.arm],
                mode="markers",
                hoverinfo="text",
                text=[f"{interval_text(found, difference=True)}<br>Holm p {p_text(item.p_corrected['holm'])}"],
                marker={"color": colour, "symbol": _SYMBOLS[item.verdict], "size": 12, "line": {"width": 2}},
                error_x=error if found.low is not None and found.high is not None else None,
            )
        )
    layout = {
        "xaxis": axis(f"difference of {quantity}", rangemode="tozero", zeroline=True, zerolinecolor=FAINT),
        "yaxis": axis("", autorange="reversed", type="category", ticks=""),
        "showlegend": False,
        "height": 110 + 40 * len(traces),
    }
    told = "; ".join(f"{item.arm} {interval_text(item.difference, difference=True)}" for item in items)
    return panel(identifier, where, f"Difference of {quantity}, {where}: {told}", traces, layout)


def _bars(identifier: str, item: Contrast) -> Panel:
    frame = item.by_unit.sort_values("difference", ascending=False, ignore_index=True)
    traces = []
    for label, colour, pattern in ((True, OKABE_ITO[0], ""), (False, OKABE_ITO[1], "/")):
        part = frame[frame.label.astype(bool) == label]
        marker = {"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay", "size": 6}}
        hover = [f"{row.unit}: {signed(row.difference)}" for row in part.itertuples()]
        traces.append(
            go.Bar(x=part.index, y=part.difference, name=f"right answer {label}", marker=marker, text=hover,
                   hoverinfo="text", textposition="none")
        )  # fmt: skip
    layout = {
        "xaxis": axis("problems, sorted", showticklabels=False, ticks=""),
        "yaxis": axis("first − second", zeroline=True, zerolinecolor=FAINT),
        "height": 320,
    }
    alt = f"{item.arm}, {item.where}: above zero on {item.n_won} problems, below on {item.n_lost}, of {len(frame)}."
    return panel(identifier, f"{item.arm}, {item.where}", alt, traces, layout)


def _unit_rows(item: Contrast) -> list[tuple[str, ...]]:
    frame = item.by_unit.sort_values("difference", ascending=False)
    return [
        (item.arm, item.where, str(row.unit), str(row.type), str(bool(row.label)), decimal(row.first),
         decimal(row.second), signed(row.difference))
        for row in frame.itertuples()
    ]  # fmt: skip
