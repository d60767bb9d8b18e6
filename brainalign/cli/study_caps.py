"""Caps of a study as options spell them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brainalign.study import Study


def with_caps(study: "Study", changes: Sequence[str]) -> "Study":
    """Change the caps of a study.

    Parameters
    ----------
    study : Study
    changes : sequence of str
        Such as ``"max_wall_s=600"``; ``none`` lifts a cap.

    Raises
    ------
    InputError
        No such cap, or no number.
    """
    from pydantic import ValidationError

    from brainalign.errors import InputError
    from brainalign.study import check_name

    budget = study.budget.model_dump()
    valid = tuple(name for name in budget if name.startswith("max_"))
    for change in changes:
        name, sign, value = change.partition("=")
        if not sign:
            raise InputError(f"--cap: expected NAME=VALUE such as max_wall_s=600, found {change!r}: spell it so")
        check_name(name, valid, "--cap")
        budget[name] = None if value == "none" else value
    try:
        return study.model_copy(update={"budget": type(study.budget).model_validate(budget)})
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"--cap: {first['loc'][0]}: {first['msg']}, found {first['input']!r}: give a number"
        ) from error
