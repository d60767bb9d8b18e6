"""The same study under several seeds: what they have in common is no accident of one of them."""

from brainalign.study.schema import Study

SUFFIX = "-seed"


def repeats(study: Study, n_seeds: int) -> tuple[Study, ...]:
    """Give a study as often as there are seeds, each named NAME-seedK with both of its seeds raised by K.

    With one seed it is the study itself, under its own name.
    """
    if n_seeds == 1:
        return (study,)
    return tuple(
        study.model_copy(
            update={
                "name": f"{study.name}{SUFFIX}{k}",
                "seeds": study.seeds.model_copy(
                    update={"search": study.seeds.search + k, "replicate": study.seeds.replicate + k}
                ),
            }
        )
        for k in range(n_seeds)
    )
