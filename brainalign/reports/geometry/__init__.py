"""The geometry of representations: pictures of brain and model states, and how alike they are beside chance."""

from brainalign.reports.geometry.inputs import GeometryInputs, Steered, Tuned, gather
from brainalign.reports.geometry.page import GeometrySection, geometry_report, geometry_section

__all__ = [
    "GeometryInputs",
    "GeometrySection",
    "Steered",
    "Tuned",
    "gather",
    "geometry_report",
    "geometry_section",
]
