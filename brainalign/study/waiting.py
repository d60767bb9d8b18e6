"""Which trials must be done before another one starts: a function of the study file alone."""

from brainalign.study.schema import Study
from brainalign.study.searching import GENERATIONAL, LEARNING
from brainalign.study.stopping import bracket_of, n_compared


def n_learned_from(study: Study, kind: str, number: int) -> int:
    """Count the first trials of a branch that trial `number` learns from, so that they must be done before it.

    Those up to ``number - window`` for TPE and GP, all earlier generations for CMA-ES and NSGA-II, none for samplers
    that learn nothing, nor for enqueued settings. Where trials wait for one another in brackets, none of its own.
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
        bracket = bracket_of(section, number)
        return min(max(0, number - section.window + 1), bracket.start if bracket else number)
    return 0


def n_awaited(study: Study, kind: str, number: int) -> int:
    """Count the first trials of a branch that must be done before trial `number` starts.

    Those that it learns from, and those that its rungs compare it with.
    """
    section = study.kinds[kind]
    compared = n_compared(section, number) if section.reproducible else 0
    return max(n_learned_from(study, kind, number), compared)
