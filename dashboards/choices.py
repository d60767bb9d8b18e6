"""What all pages share: the store, the choice of a study and of a (model, kind) in it, and queries that are kept."""

import os
from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from brainalign.artifacts import Store
from brainalign.errors import BrainalignError
from brainalign.reports.figures.style import INK, ArmStyle, arm_styles
from brainalign.reports.live import Reader, arms
from brainalign.search import stored_study
from brainalign.study import Direction, Study

PLOT: dict[str, Any] = {"width": "stretch", "config": {"displaylogo": False}, "theme": None}


def plot(height: int, *traces: Any, **layout: Any) -> go.Figure:
    """Make a figure in the reports' look, of a height in px."""
    base = {
        "template": None,
        "height": height,
        "margin": {"l": 60, "r": 20, "t": 40, "b": 50},
        "font": {"size": 13, "color": INK},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    }
    return go.Figure(list(traces), layout={**base, **layout})


def reader() -> Reader:
    """Give the reader of the store that the server was started on."""
    return Reader(Store(os.environ.get("BRAINALIGN_STORE", "brainalign-results")))


@st.cache_data(show_spinner=False, max_entries=64)
def _kept(_query: Callable[[], pd.DataFrame], name: str, stamp: Any) -> pd.DataFrame:
    return _query()


def kept(study: str, what: str, query: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Ask a query once for as long as the study's files stand as they are; errors are told and end the page."""
    where = reader()
    try:
        return _kept(query, f"{where.store.root}/{study}/{what}", where.stamp(study))
    except BrainalignError as error:
        st.error(str(error))
        st.stop()


def title(text: str) -> None:
    """Write a page's title."""
    st.title(text, anchor=False)


def choose_study() -> str:
    """Let the reader choose a study, the same on all pages; says loudly where its betas are simulated."""
    names = reader().store.studies()
    if not names:
        st.info(f"No study in {reader().store.root} yet. Run one: `brainalign study run quickstart`")
        st.stop()
    asked = st.query_params.get("study", st.session_state.get("chosen study", names[0]))
    place = names.index(asked) if asked in names else 0
    name: str = st.sidebar.selectbox("Study", names, index=place, key="study")
    st.session_state["chosen study"] = name
    try:
        source = str(reader().store.read_manifest(name).get("data", {}).get("source", ""))
    except BrainalignError as error:
        st.error(str(error))
        st.stop()
    if source.startswith("simulated"):
        st.warning("**SIMULATED DATA** The betas of this study were made by a computer: no finding about brains.")
    return name


def study_of(name: str) -> Study:
    """Read a study's file as the store holds it."""
    return stored_study(reader().store, name)


@st.cache_data(show_spinner="asking MLflow", ttl=60, max_entries=256)
def mlflow_page(study: str, place: str) -> str | None:
    """Address of a trial's run in the MLflow UI; None where no server is named or it has no such run."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri.startswith(("http://", "https://")):
        return None
    from brainalign.tracking import run_page

    try:
        return run_page(uri, study, place)
    except BrainalignError as error:
        st.info(str(error))
        return None


def arms_of(name: str) -> pd.DataFrame:
    """Give the arms of a study; ends the page where there is none yet."""
    found = kept(name, "arms", lambda: arms(reader(), name))
    if not len(found):
        st.info("No trial has finished yet.")
        st.stop()
    return found


def choose_place(name: str, *, searched: bool = True) -> tuple[str, str]:
    """Let the reader choose a model and kind of a study."""
    found = arms_of(name)
    wanted = found[found.tried > 1] if searched and (found.tried > 1).any() else found
    kinds = sorted(wanted.kind.unique(), key=lambda kind: (kind != "nari", kind))
    kind: str = st.sidebar.selectbox("Kind", kinds, key="kind")
    model: str = st.sidebar.selectbox("Model", sorted(wanted[wanted.kind == kind].model.unique()), key="model")
    return model, kind


def direction_of(name: str, kind: str) -> Direction:
    """Say whether a kind's first objective is maximised."""
    return next(iter(study_of(name).goals(kind).directions.values()))


def styles_of(frame: pd.DataFrame) -> dict[str, ArmStyle]:
    """Colour, symbol and dash of the arms of a frame with ``arm`` and ``role``."""
    methods = sorted(frame[frame.role == "method"].arm.unique())
    return arm_styles(methods, sorted(frame[frame.role == "control"].arm.unique()))
