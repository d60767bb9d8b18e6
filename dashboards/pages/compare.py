"""Winners of all arms of a study beside each other."""

import json

import streamlit as st

from brainalign.dashboards.choices import PLOT, arms_of, choose_study, plot, styles_of, title
from brainalign.reports.figures.style import FAINT, axis
from brainalign.reports.numbers import setting_text

title("Compare arms")
name = choose_study()
found = arms_of(name)
filters = st.columns(4)
for place, column in enumerate(("model", "kind", "arm", "role")):
    wanted = filters[place].multiselect(column, sorted(found[column].unique()), key=f"filter {column}")
    found = found[found[column].isin(wanted)] if wanted else found
if not len(found):
    st.info("No arm is left: take a filter away.")
    st.stop()

shown = found.assign(
    setting=[setting_text(json.loads(text)) if isinstance(text, str) else "" for text in found.setting]
)
columns = [
    "model",
    "kind",
    "arm",
    "role",
    "tried",
    "failed",
    "trial",
    "selection",
    "report",
    "low",
    "high",
    "objective",
]
st.dataframe(
    shown[[*columns, "hours", "setting"]],
    hide_index=True,
    width="stretch",
    column_config={
        "selection": st.column_config.NumberColumn(format="%.3f", help="Winner's objective where it was chosen."),
        "report": st.column_config.NumberColumn(format="%.3f", help="On problems that no search has seen."),
        "low": st.column_config.NumberColumn(format="%.3f", help="95 % interval of the report part."),
        "high": st.column_config.NumberColumn(format="%.3f"),
        "hours": st.column_config.NumberColumn(format="%.3f"),
    },
)
reported = found[found.report.notna()]
for (kind, objective), rows in reported.groupby(["kind", "objective"]):
    styles = styles_of(arms_of(name))
    figure = plot(130 + 34 * len(rows), showlegend=False)
    for row in rows.itertuples():
        style = styles[row.arm]
        bounds = {"type": "data", "symmetric": False, "array": [row.high - row.report],
                  "arrayminus": [row.report - row.low], "color": style.colour}  # fmt: skip
        figure.add_scatter(
            x=[row.report], y=[f"{row.arm}, {row.model}"], mode="markers", name=row.arm,
            marker={"color": style.colour, "symbol": style.symbol, "size": 12},
            error_x=bounds if row.low == row.low else None,
        )  # fmt: skip
    figure.update_xaxes(axis(f"{objective} on the report part".replace("_", " "), zeroline=True, zerolinecolor=FAINT))
    figure.update_yaxes(axis("", autorange="reversed", type="category"))
    st.subheader(f"{kind}", anchor=False)
    st.plotly_chart(figure, key=f"winners {kind}", **PLOT)
st.caption(
    "Bars are 95 % crossed bootstrap intervals of the chosen setting; they leave out that it was chosen, and are not a "
    "test of differences. The paired comparison with controls stands in `brainalign report study`."
)
