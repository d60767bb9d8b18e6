"""Hooks on several layers at once; all are gone when their context is left, also after an exception.

A hook that changes the last token must ask where it is: in a plain forward pass at the end of the sequence, in a packed
pass at the rows of the prompts that end there. `last_tokens` answers for the pass that runs.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import torch

from brainalign.zoo.language_model import Firings, LanguageModel, Site

Change = Callable[[int, torch.Tensor], torch.Tensor | None]
_AT_THE_END: tuple[Any, Any] = (slice(None), -1)
_LAST_TOKENS: ContextVar[tuple[Any, Any]] = ContextVar("last_tokens", default=_AT_THE_END)


def last_tokens() -> tuple[Any, Any]:
    """Index of the last tokens in an output of shape (batch, tokens, d), for hooks: ``state[last_tokens()]``."""
    return _LAST_TOKENS.get()


@contextmanager
def last_tokens_at(rows: torch.Tensor) -> Iterator[None]:
    """Say which rows of packed passes (1, rows, d) are last tokens, until the context is left."""
    token = _LAST_TOKENS.set((slice(None), rows))
    try:
        yield
    finally:
        _LAST_TOKENS.reset(token)


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
    model: LanguageModel, site: Site, layers: Sequence[int], displacements: torch.Tensor, token: int | None = None
) -> Iterator[list[Firings]]:
    """Add ``displacements[i]`` (d,) to the output of ``layers[i]`` at the last tokens, or at `token` instead."""

    def add(layer: int, state: torch.Tensor) -> torch.Tensor:
        changed = state.clone()
        changed[last_tokens() if token is None else (slice(None), token)] += displacements[places[layer]].to(state)
        return changed

    places = {layer: place for place, layer in enumerate(layers)}
    with hooked(model, site, layers, add) as firings:
        yield firings


def _at(fn: Change, layer: int) -> Callable[[torch.Tensor], torch.Tensor | None]:
    return lambda state: fn(layer, state)
