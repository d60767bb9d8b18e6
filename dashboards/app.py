"""The dashboard's frame: pages and where they stand."""

import streamlit as st

PAGES = (
    ("studies.py", "Studies", True),
    ("compare.py", "Compare arms", False),
    ("search.py", "Search", False),
    ("where.py", "Layer and strength", False),
    ("scaling.py", "Size", False),
    ("answers.py", "Answers", False),
)

st.set_page_config(page_title="brainalign", layout="wide")
st.navigation([st.Page(f"pages/{file}", title=title, default=first) for file, title, first in PAGES]).run()
