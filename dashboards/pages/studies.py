"""All studies of the store, running and finished."""

from urllib.parse import quote

import streamlit as st

from brainalign.dashboards.choices import reader, title
from brainalign.reports.live import overview

title("Studies")
st.caption(f"Store: {reader().store.root}. It is only read; choose a study on the other pages.")


@st.fragment(run_every=10.0)
def table() -> None:
    """Show the studies, anew every ten seconds."""
    found = overview(reader())
    if not len(found):
        st.info("No study in this store yet. Run one: `brainalign study run quickstart`")
        return
    columns = st.columns(4)
    columns[0].metric("Studies", len(found))
    columns[1].metric("Trials done", f"{int(found.done.fillna(0).sum()):,}")
    columns[2].metric("Planned", f"{int(found.planned.fillna(0).sum()):,}")
    columns[3].metric("Failed", f"{int(found.failed.fillna(0).sum()):,}")
    found.insert(2, "progress", found.done / found.planned)
    found.insert(1, "open", [f"compare?study={quote(name)}" for name in found.study])
    link = st.column_config.LinkColumn("open", display_text="compare", help="Its arms beside each other.")
    bar = st.column_config.ProgressColumn("progress", min_value=0.0, max_value=1.0, format="percent")
    st.dataframe(found, hide_index=True, width="stretch", column_config={"progress": bar, "open": link})
    simulated = found[found.data == "SIMULATED"].study.tolist()
    if simulated:
        st.warning(f"**SIMULATED DATA** in {', '.join(simulated)}: no finding about brains.")


table()
st.caption(
    "Two of them beside each other, with paired tests and a correction for their number: "
    "`brainalign report compare FIRST SECOND`. Runs in MLflow: `brainalign mlflow STUDY`."
)
