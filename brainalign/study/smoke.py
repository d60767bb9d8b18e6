"""The smoke size of a study: everything that it does, as little of it as can be."""

from brainalign.study.schema import Study
from brainalign.study.searching import KindSection
from brainalign.zoo import model_facts

SUFFIX = "-smoke"
N_TRIALS = 2
N_SUBJECTS = 2
TINY = 500_000
"""Parameters up to which a model costs next to nothing, so that a smoke run keeps all of those beside the first."""


def smoke(study: Study) -> Study:
    """Shrink a study to two trials an arm, two subjects and one model, under a name of its own.

    Of models that cost next to nothing all stay: a study of sizes still has sizes. Its figures mean nothing; it shows
    that every stage runs.
    """
    subjects = study.betas.subjects
    few = subjects[:N_SUBJECTS] if isinstance(subjects, tuple) else min(subjects or N_SUBJECTS, N_SUBJECTS)
    kinds = {name: _few_trials(section, study.n_trials(name)) for name, section in study.kinds.items()}
    tiny = tuple(name for name in study.models[1:] if model_facts(name).n_parameters <= TINY)
    return study.model_copy(
        update={
            "name": study.name + SUFFIX,
            "description": f"Smoke size of {study.name}: its figures mean nothing",
            "models": (study.models[0], *tiny),
            "kinds": kinds,
            "betas": study.betas.model_copy(update={"subjects": few}),
        }
    )


def _few_trials(section: KindSection, n_trials: int) -> KindSection:
    few = min(n_trials, N_TRIALS)
    stopping = section.stopping
    if stopping is not None and stopping.bracket is not None:
        stopping = stopping.model_copy(update={"bracket": few})
    return section.model_copy(update={"trials": few, "stopping": stopping, "carry": min(section.carry, 1)})
