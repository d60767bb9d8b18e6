"""Winners on the report part against the size of the model."""

import streamlit as st

from brainalign.dashboards.choices import PLOT, choose_study, kept, plot, reader, styles_of, title
from brainalign.reports.figures.style import axis
from brainalign.reports.live import scaling_points

title("Size")
name = choose_study()
points = kept(name, "scaling", lambda: scaling_points(reader(), name))
if points.n_parameters.nunique() < 2:
    st.info("This study has finished trials on one size of model only: there is no curve to draw.")
    st.stop()
styles = styles_of(points)
for kind, rows in points.groupby("kind"):
    quantity = "report" if rows.report.notna().any() else "selection"
    figure = plot(400)
    for arm, own in rows[rows[quantity].notna()].groupby("arm"):
        style = styles[str(arm)]
        bounds = {"type": "data", "symmetric": False, "array": own.high - own[quantity],
                  "arrayminus": own[quantity] - own.low, "color": style.colour}  # fmt: skip
        figure.add_scatter(
            x=own.n_parameters, y=own[quantity], mode="markers+lines", name=str(arm), text=own.model,
            marker={"color": style.colour, "symbol": style.symbol, "size": 10},
            line={"color": style.colour, "dash": style.dash, "width": 1},
            error_y=bounds if quantity == "report" and own.low.notna().any() else None,
        )  # fmt: skip
    figure.update_xaxes(axis("parameters", type="log", nticks=6))
    figure.update_yaxes(axis(f"{rows.objective.iloc[0]} ({quantity} part)".replace("_", " ")))
    st.subheader(str(kind), anchor=False)
    st.plotly_chart(figure, key=f"size {kind}", **PLOT)
st.caption(
    "Points are winners with 95 % intervals; lines only join them. Fits, control-subtracted curves and forecasts "
    "stand in the scaling report, which also says when the data cannot tell the forms of a curve apart."
)
st.dataframe(points[["model", "n_parameters", "kind", "arm", "selection", "report", "low", "high"]], hide_index=True)
