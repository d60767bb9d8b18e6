"""The study file: its schema, defaults, and the identity of its trials."""

from brainalign.study.files import load_study, packaged_studies, read_study_text
from brainalign.study.places import Branch, Place, branches
from brainalign.study.schema import KindSection, Study, check_name, parse_study
from brainalign.study.smoke import smoke

__all__ = [
    "Branch",
    "KindSection",
    "Place",
    "Study",
    "branches",
    "check_name",
    "load_study",
    "packaged_studies",
    "parse_study",
    "read_study_text",
    "smoke",
]
