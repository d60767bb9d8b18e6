"""The interactive dashboard over a store's studies: a Streamlit app that reads through `brainalign.reports.live`."""
