"""Figures of the reports: Plotly specifications with captions, alternative texts and tables."""
