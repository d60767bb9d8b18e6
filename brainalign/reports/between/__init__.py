"""Two studies beside each other: what is comparable, the paired differences, and the page."""

from brainalign.reports.between.contrast import Contrast, StudyComparison
from brainalign.reports.between.contrasts import compare_studies
from brainalign.reports.between.page import comparison_report

__all__ = ["Contrast", "StudyComparison", "compare_studies", "comparison_report"]
