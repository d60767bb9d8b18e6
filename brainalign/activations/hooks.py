"""Hooks on several layers at once; all are gone when their context is left, also after an exception."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch

from brainalign.zoo.language_model import Firings, LanguageModel, Site

Change = Callable[[int, torch.Tensor], torch.Tensor | None]


@contextmanager
def hooked(model: LanguageModel, site: Site, layers: Sequence[int], fn: Change) -> Iterator[list[Firings]]:
    """Call ``fn(layer, output)`` on the outputs of several layers' `site`; what it returns takes their place.

    Yields
    ------
    list of Firings
        How often each layer's hook ran, in the order of `layers`.
    """
    with ExitStack() as stack:
        yield [stack.enter_context(model.hook(site, layer, _at(fn, layer))) for layer in layers]


@contextmanager
def displaced(
    model: LanguageModel, site: Site, layers: Sequence[int], displacements: torch.Tensor, token: int = -1
) -> Iterator[list[Firings]]:
    """Add ``displacements[i]`` (d,) to the output of ``layers[i]`` at one token of plain forward passes."""

    def add(layer: int, state: torch.Tensor) -> torch.Tensor:
        changed = state.clone()
        changed[:, token] += displacements[places[layer]].to(state)
        return changed

    places = {layer: place for place, layer in enumerate(layers)}
    with hooked(model, site, layers, add) as firings:
        yield firings


def _at(fn: Change, layer: int) -> Callable[[torch.Tensor], torch.Tensor | None]:
    return lambda state: fn(layer, state)
