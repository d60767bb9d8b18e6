"""What the ways of steering share on the command line: the settings of a search, and how intervals are spelled."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from brainalign.steering import NariConfig

AlphaOption = Annotated[float, typer.Option(min=0, help="Radius of the search, in sigma of each layer.")]
LayersOption = Annotated[str, typer.Option(help="Steered layers from 0, such as 7-21; default: the middle half.")]
RateOption = Annotated[float, typer.Option(help="In units of the layer's mean absolute state.")]
StepsOption = Annotated[int, typer.Option("--steps", min=1)]
CheckOption = Annotated[int, typer.Option(min=1)]
LossOption = Annotated[str, typer.Option(help="cosine, mse or pearson.")]
CompatOption = Annotated[str, typer.Option(help="none, or release for the published way.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Replicate seed of the controls' draws.")]


def search_config(model: str, layers: str, compat: str, **settings: Any) -> "NariConfig":
    """Read the settings of a search from the options."""
    from brainalign.spaces import resolve_layers
    from brainalign.steering import NariConfig, middle_half
    from brainalign.study import check_name
    from brainalign.zoo import model_facts

    check_name(compat, ("none", "release"), "--compat")
    n_layers = model_facts(model).n_layers
    return NariConfig(
        layers=resolve_layers({"run": layer_run(layers)}, n_layers) if layers else middle_half(n_layers),
        compat="release" if compat == "release" else None,
        **settings,
    )


def split_names(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def span(interval: Mapping[str, float | None] | None) -> str:
    """Spell an interval; a dash where there are no bounds, for nothing varied or too little was there."""
    if interval is None or interval["low"] is None or interval["high"] is None:
        return "–"
    return f"[{interval['low']:+.3f}, {interval['high']:+.3f}]"


def layer_run(layers: str) -> str:
    """Spell the layers of the option as a setting does.

    Raises
    ------
    InputError
        They are no indices.
    """
    from brainalign.errors import InputError

    first, _, last = layers.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        raise InputError(f"--layers: expected indices from 0 such as 7-21, found {layers!r}")
    return f"{first}-{last or first}"
