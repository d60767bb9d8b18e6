"""Hooks on several layers at once; all are gone when their context is left, also after an exception."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch

from brainalign.zoo.language_model import Firings, LanguageModel, Site

Change = Callable[[int, torch.Tensor], torch.Tensor | None]
Edit = Callable[[int, torch.Tensor], torch.Tensor]
Tokens = Literal["last", "all"]
SITES: tuple[Site, Site] = ("attention", "layer")


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


@contextmanager
def edited(
    model: LanguageModel, site: Site, layers: Sequence[int], edit: Edit, tokens: Tokens = "last"
) -> Iterator[dict[int, Firings]]:
    """Replace states by ``edit(layer, states)`` in every kind of pass: plain, generating, packed or prefilled.

    Parameters
    ----------
    model : LanguageModel
    site : {"attention", "layer"}
    layers : sequence of int
    edit : callable
        Gets and gives states (n, d).
    tokens : {"last", "all"}
        ``"last"`` is the last token of a prompt: the last of each sequence of a plain pass, so a batch is padded on the
        left; tokens that generation adds one by one from a cache are left alone. ``"all"`` edits these too, and must
        be open while prompts are prefilled.

    Yields
    ------
    dict of int to Firings
        How many passes each layer's edit changed.
    """
    firings = {layer: Firings() for layer in layers}
    modules = [model.site(site, layer) for layer in layers]
    handles = [
        module.register_forward_hook(_Edit(layer, edit, tokens, firings[layer]), with_kwargs=True)
        for layer, module in zip(layers, modules, strict=True)
    ]
    try:
        yield firings
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True)
class _Edit:
    """A forward hook with its options; a type of its own, so that it is known among others."""

    layer: int
    edit: Edit
    tokens: Tokens
    firings: Firings

    def __call__(self, module: Any, inputs: Any, options: Mapping[str, Any], output: Any) -> Any:
        """Edit the chosen tokens of an output; None leaves it as it is."""
        state = output[0] if isinstance(output, tuple) else output
        rows = _rows(state, options, self.tokens)
        if not rows.numel():
            return None
        self.firings.count += 1
        changed = state.clone()
        changed[:, rows] = self.edit(self.layer, state[:, rows].flatten(0, 1)).to(state).view(len(state), len(rows), -1)
        return (changed, *output[1:]) if isinstance(output, tuple) else changed


def is_edited(model: LanguageModel) -> bool:
    """Whether :func:`edited` changes the model's states now, so that what it computes is not its own."""
    sites = (model.site(site, layer) for site in SITES for layer in range(model.n_layers))
    return any(isinstance(hook, _Edit) for module in sites for hook in module._forward_hooks.values())


def _rows(state: torch.Tensor, options: Mapping[str, Any], tokens: Tokens) -> torch.Tensor:
    """Places of the tokens to edit among those of a pass (sequences, tokens, d)."""
    n_tokens = state.shape[1]
    every = torch.arange(n_tokens, device=state.device)
    if tokens == "all":
        return every
    if "tree_pass" in options:
        last: torch.Tensor | None = options["tree_pass"].last_rows
        return every if last is None else last.to(state.device)
    positions = options.get("position_ids")
    is_generated = n_tokens == 1 and positions is not None and int(positions.max()) > 0
    return every[:0] if is_generated else every[-1:]


def _at(fn: Change, layer: int) -> Callable[[torch.Tensor], torch.Tensor | None]:
    return lambda state: fn(layer, state)
