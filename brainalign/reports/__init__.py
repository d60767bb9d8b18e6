"""Tables, figures and self-contained HTML reports, made from stored results only."""

from brainalign.reports.between import StudyComparison, compare_studies, comparison_report
from brainalign.reports.comparisons import ArmComparison
from brainalign.reports.estimates import Estimate
from brainalign.reports.geometry import GeometryInputs, GeometrySection, gather, geometry_report, geometry_section
from brainalign.reports.lines import best_lines, mlflow_summaries
from brainalign.reports.page import study_report
from brainalign.reports.parents import mlflow_showings
from brainalign.reports.tables import BestSetting, best_settings, comparisons, study_summary

__all__ = [
    "ArmComparison",
    "BestSetting",
    "Estimate",
    "GeometryInputs",
    "GeometrySection",
    "StudyComparison",
    "best_lines",
    "best_settings",
    "compare_studies",
    "comparison_report",
    "comparisons",
    "gather",
    "geometry_report",
    "geometry_section",
    "mlflow_showings",
    "mlflow_summaries",
    "study_report",
    "study_summary",
]
