"""How a search went: history, settings, what the objective hangs on, and the Pareto front."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from brainalign.dashboards.choices import (
    PLOT,
    arms_of,
    choose_place,
    choose_study,
    direction_of,
    kept,
    plot,
    reader,
    styles_of,
    title,
)
from brainalign.reports.figures.style import axis
from brainalign.reports.live import history, importances, pareto_front, settings, varied

title("Search")
name = choose_study()
model, kind = choose_place(name)
direction, styles = direction_of(name, kind), styles_of(arms_of(name))
trials = kept(name, f"settings {model} {kind}", lambda: settings(reader(), name, (model, kind), direction))
if not len(trials):
    st.info("No trial has finished with an objective yet.")
    st.stop()
chosen = st.sidebar.multiselect("Arms", sorted(trials.arm.unique()), key="arms") or sorted(trials.arm.unique())
trials = trials[trials.arm.isin(chosen)].reset_index(drop=True)
if trials["of"].iloc[0] > len(trials):
    st.caption(
        f"Drawn: the best and an even part of the others, {len(trials):,} of {int(trials['of'].iloc[0]):,} trials."
    )

found = kept(name, f"history {model} {kind}", lambda: history(reader(), name, (model, kind), direction))
figure = plot(380)
for arm, rows in found[found.arm.isin(chosen)].groupby("arm"):
    style = styles[str(arm)]
    marker = {"color": style.colour, "symbol": style.symbol, "size": 7, "opacity": 0.7}
    line = {"color": style.colour, "dash": style.dash, "shape": "hv"}
    figure.add_scattergl(x=rows.number, y=rows.objective, mode="markers", marker=marker, name=str(arm))
    figure.add_scatter(
        x=rows.number, y=rows.best, mode="lines", line=line, name=f"{arm}, best so far", showlegend=False
    )
figure.update_xaxes(axis("trial number"))
figure.update_yaxes(axis("objective (selection part)"))
st.subheader("History", anchor=False)
st.plotly_chart(figure, key="history", **PLOT)

names = varied(trials)
st.subheader("Settings", anchor=False)
if names:
    dimensions = []
    for column in names:
        numbers = pd.to_numeric(trials[column], errors="coerce")
        if numbers.notna().all():
            dimensions.append({"label": column, "values": numbers})
        else:
            codes, values = pd.factorize(trials[column].astype(str), sort=True)
            dimensions.append(
                {"label": column, "values": codes, "tickvals": list(range(len(values))), "ticktext": values}
            )
    dimensions.append({"label": "objective", "values": trials.objective})
    colours = {"color": trials.objective, "colorscale": "Cividis", "showscale": True}
    figure = plot(380, go.Parcoords(line=colours, dimensions=dimensions), margin={"l": 80, "r": 40, "t": 60, "b": 40})
    st.plotly_chart(figure, key="parallel", **PLOT)
    st.caption("Drag along an axis to keep a range. Colour is the objective (Cividis, safe for colour blindness).")
else:
    st.info("All trials have one setting.")

arm = st.selectbox("What the objective of an arm hangs on", chosen, key="importance of")
result = importances(trials[trials.arm == arm], names, f"{name} {model} {kind} {arm}")
if not len(result.table):
    st.info(f"{result.n_trials} trials: too few to say what the objective hangs on.")
else:
    if not result.r_squared > 0.1:
        st.warning(f"The settings do not predict the objective (R² {result.r_squared:.2f}): these bars mean nothing.")
    bars = go.Bar(
        x=result.table.importance, y=result.table.setting, orientation="h", marker={"color": styles[arm].colour},
        error_x={"type": "data", "array": result.table.spread},
    )  # fmt: skip
    figure = plot(120 + 32 * len(result.table), bars)
    figure.update_xaxes(axis("variance lost when the setting is shuffled"))
    figure.update_yaxes(axis("", autorange="reversed"))
    st.plotly_chart(figure, key="importances", **PLOT)
    st.caption(f"Random forest on half of {result.n_trials} trials, R² {result.r_squared:.2f} on the others; bars: SD.")

st.subheader("Pareto front", anchor=False)
metrics = [column for column in trials.columns if column.startswith("metric: ")]
other = st.selectbox("Least of", metrics, index=metrics.index("metric: broken") if "metric: broken" in metrics else 0)
if other and trials[other].notna().any():
    front = pareto_front(trials, {"objective": direction, other: "minimize"})
    figure = plot(380)
    for arm_name, rows in trials.groupby("arm"):
        style = styles[str(arm_name)]
        marker = {"color": style.colour, "symbol": style.symbol, "size": 8, "opacity": 0.6}
        figure.add_scattergl(x=rows[other], y=rows.objective, mode="markers", marker=marker, name=str(arm_name))
    best = trials[front].sort_values(other)
    figure.add_scatter(x=best[other], y=best.objective, mode="lines+markers", name="front", line={"color": "#1a1a1a"})
    figure.update_xaxes(axis(other.removeprefix("metric: ")))
    figure.update_yaxes(axis("objective"))
    st.plotly_chart(figure, key="front", **PLOT)
    st.dataframe(best[["arm", "number", "objective", other, *names]], hide_index=True, width="stretch")
