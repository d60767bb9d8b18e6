"""Where in the model and how hard each setting pushed, beside the controls."""

import plotly.graph_objects as go
import streamlit as st

from brainalign.dashboards.choices import PLOT, choose_place, choose_study, direction_of, kept, plot, reader, title
from brainalign.reports.figures.style import DIVERGING, FAINT, LOG_AXIS, axis
from brainalign.reports.live import depth_and_strength, settings

title("Layer and strength")
name = choose_study()
model, kind = choose_place(name)
direction = direction_of(name, kind)
trials = kept(name, f"settings {model} {kind}", lambda: settings(reader(), name, (model, kind), direction))
n_layers = reader().store.read_manifest(name).get("models", {}).get(model, {}).get("n_layers")
points = depth_and_strength(trials, n_layers) if len(trials) else trials
if not len(points):
    st.info("No finished trial of this kind has both a layer range and a strength.")
    st.stop()
bound = float(points.objective.abs().max()) or 1.0
columns = st.columns(2)
for place, (arm, rows) in enumerate(points.groupby("arm")):
    hover = [
        f"trial {row.number}: {row.objective:.3f}<br>depth {row.start:.2f} to {row.end:.2f}, "
        f"strength {row.strength:.3g}"
        for row in rows.itertuples()
    ]
    marker = {
        "color": rows.objective, "colorscale": [list(stop) for stop in DIVERGING], "cmin": -bound, "cmax": bound,
        "size": 12, "line": {"color": FAINT, "width": 1}, "showscale": place % 2 == 1,
    }  # fmt: skip
    trace = go.Scattergl(x=rows.centre, y=rows.strength, mode="markers", marker=marker, text=hover, hoverinfo="text")
    figure = plot(360, trace, title={"text": str(arm)})
    figure.update_xaxes(axis("relative depth of the layers", range=[-0.04, 1.04]))
    positive = bool((points.strength > 0).all())
    figure.update_yaxes(axis("strength (σ of the layer)", **(LOG_AXIS if positive else {})))
    columns[place % 2].plotly_chart(figure, key=f"map {arm}", **PLOT)
st.caption(
    "A dot is a trial at the middle of its layers; colour is its objective on the selection part, one scale for all "
    "arms, blue above zero and vermilion below. A place that is as blue for a control says nothing about guidance."
)
with st.expander("The same as a table"):
    st.dataframe(points[["arm", "number", "start", "end", "strength", "objective"]], hide_index=True, width="stretch")
