"""Where in the model a setting acts, as relative depth, and how strongly."""

from collections.abc import Mapping
from typing import Any

from brainalign.errors import InputError
from brainalign.reports.numbers import is_number
from brainalign.spaces import resolve_layers

STRENGTHS = ("strength", "gamma", "alpha")
"""Names under which kinds of trials keep the strength of their push, in units of a layer's sigma.

The push itself comes first: a transfer has the radius alpha of the search behind it as well.
"""


def layer_span(setting: Mapping[str, Any], n_layers: int | None) -> tuple[float, float] | None:
    """Start and end of the layers that a setting acts on, as relative depths (0 before the first, 1 after the last).

    Parameters
    ----------
    setting : mapping
        A trial's setting; its ``layers`` is a run of layers as `brainalign.spaces` spells it.
    n_layers : int or None
        Layers of the model; None if it is not known, then a depth range is taken as it is written.

    Returns
    -------
    tuple of float or None
        None where the setting has no layers, or none that the model has.
    """
    layers = setting.get("layers")
    if not isinstance(layers, Mapping):
        return None
    if n_layers:
        try:
            indices = resolve_layers(layers, n_layers)
        except (InputError, KeyError, TypeError, ValueError):
            return None
        return indices[0] / n_layers, (indices[-1] + 1) / n_layers
    start, width = layers.get("start"), layers.get("width")
    if is_number(start) and is_number(width):
        return float(start), min(1.0, float(start) + float(width))
    return None


def strength(setting: Mapping[str, Any]) -> float | None:
    """Find the strength of a setting under whichever name its kind keeps it; None where it has none."""
    for name in STRENGTHS:
        if is_number(setting.get(name)):
            return float(setting[name])
    return None
