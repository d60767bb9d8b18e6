"""Which trials must be done before another one is suggested: a function of the study file alone."""

from brainalign.study.schema import Study
from brainalign.study.searching import GENERATIONAL, LEARNING


def n_learned_from(study: Study, kind: str, number: int) -> int:
    """Count the first trials of a branch that must be done before trial `number` is suggested, and that it learns from.

    Those up to ``number - window`` for TPE and GP, all earlier generations for CMA-ES and NSGA-II, none for samplers
    that learn nothing, nor for enqueued settings.
    """
    section = study.kinds[kind]
    n_enqueued = len(section.enqueue)
    if number < n_enqueued:
        return 0
    if section.sampler in GENERATIONAL:
        size = study.population(kind)
        generation = (number - n_enqueued) // size
        return n_enqueued + generation * size if generation else 0
    if section.sampler in LEARNING and section.reproducible:
        return max(0, number - section.window + 1)
    return 0
