"""The result of what is asked: found by its key, or made and kept."""

from dataclasses import replace
from typing import TYPE_CHECKING

from brainalign.artifacts import Result
from brainalign.trials.protocol import Ask, TrialKind, result_key

if TYPE_CHECKING:
    from brainalign.trials.context import Context

SMALLER = "batch_divisor"
"""What a result's detail calls the number by which its batches were divided, for want of memory."""


def find_or_run(kind: TrialKind, ask: Ask, context: "Context") -> tuple[Result, bool]:
    """Find a result, or compute it and write it with the keys of what it stands on.

    Returns
    -------
    result : Result
    found : bool
        Whether it was there already.
    """
    key = result_key(kind, ask, context)
    found = context.store.read_result(key)
    if found is not None:
        return found, True
    result = kind.run(ask, context, key)
    if context.batch_divisor > 1:
        result = replace(result, detail={**result.detail, SMALLER: context.batch_divisor})
    # States are found once a worker, and stood on by every result after.
    states = {str(context.stands_on["states"])} if "stands_on" in context.__dict__ else set()
    context.store.write_result(replace(result, stands_on=tuple(states | context.store.touched)))
    context.store.touched.clear()  # what a failed trial had touched stays until a result can name it
    return result, False
