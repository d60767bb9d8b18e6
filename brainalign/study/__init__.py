"""The study file: its schema, defaults, and the identity of its trials."""

from brainalign.study.checks import check_name
from brainalign.study.files import load_study, packaged_studies, read_study_text
from brainalign.study.goals import MODELLED_COST, Direction, Goals, front_to_json
from brainalign.study.places import Branch, Place, branches, carried_from, carried_rank
from brainalign.study.repeats import repeats
from brainalign.study.schema import Study, parse_study
from brainalign.study.searching import GENERATIONAL, LEARNING, KindSection
from brainalign.study.smoke import smoke
from brainalign.study.stopping import StoppingSection, bracket_of, n_compared
from brainalign.study.waiting import n_awaited, n_learned_from

__all__ = [
    "GENERATIONAL",
    "LEARNING",
    "MODELLED_COST",
    "Branch",
    "Direction",
    "Goals",
    "KindSection",
    "Place",
    "StoppingSection",
    "Study",
    "bracket_of",
    "branches",
    "carried_from",
    "carried_rank",
    "check_name",
    "front_to_json",
    "load_study",
    "n_awaited",
    "n_compared",
    "n_learned_from",
    "packaged_studies",
    "parse_study",
    "read_study_text",
    "repeats",
    "smoke",
]
