"""A store as it is now, read by DuckDB straight from its Parquet files: what the dashboard shows."""

from brainalign.reports.live.answers import Texts, answers, problem_texts
from brainalign.reports.live.importance import Importance, importances
from brainalign.reports.live.reading import Reader
from brainalign.reports.live.studies import arms, overview, scaling_points
from brainalign.reports.live.trials import depth_and_strength, history, pareto_front, settings, varied

__all__ = [
    "Importance",
    "Reader",
    "Texts",
    "answers",
    "arms",
    "depth_and_strength",
    "history",
    "importances",
    "overview",
    "pareto_front",
    "problem_texts",
    "scaling_points",
    "settings",
    "varied",
]
