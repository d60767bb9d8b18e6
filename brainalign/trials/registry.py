"""The kinds of trial, by name."""

from difflib import get_close_matches

from brainalign.errors import InputError
from brainalign.trials.narf import LABEL, NARF, NARF_LABEL
from brainalign.trials.nari import Nari
from brainalign.trials.nari_transfer import NariTransfer
from brainalign.trials.predictivity import Predictivity
from brainalign.trials.protocol import TrialKind

_KINDS: tuple[TrialKind, ...] = (Predictivity(), Nari(), NariTransfer(), NARF, NARF_LABEL, LABEL)
KINDS: dict[str, TrialKind] = {kind.name: kind for kind in _KINDS}


def trial_kind(name: str) -> TrialKind:
    """Look up a kind of trial.

    Raises
    ------
    InputError
        There is none of that name; the nearest is named.
    """
    if name not in KINDS:
        near = get_close_matches(name, KINDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(KINDS)}"
        raise InputError(f"expected a kind of trial, found {name!r}: {hint}")
    return KINDS[name]
