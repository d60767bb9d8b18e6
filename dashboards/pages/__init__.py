"""Pages of the dashboard, each a script that Streamlit runs."""
