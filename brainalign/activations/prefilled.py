"""Prompts prefilled once; each configuration of steering then costs one token.

Steering acts on the last input token only, so keys and values of the tokens before it never change, and neither does
the residual stream that reaches the first steered layer. Both are kept. A steered configuration is a row: the last
token of one problem with displacements of its own. Rows of one problem are queries at the same position over the same
keys.

The displacement is added to the output of the attention module, after its output projection. Gemma 2 norms that output
before it joins the residual stream, so there the displacement stands before the norm, like the states of `extract`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from brainalign.activations.continuation import continue_rows, stored_cache
from brainalign.activations.extraction import encode_problems
from brainalign.activations.hooks import hooked
from brainalign.activations.packed import BLOCK_TOKENS, blocks, embed, run_layers
from brainalign.activations.prefix_tree import PrefixTree, build_tree
from brainalign.activations.tree_attention import KeyValueStore, Segment, TreePass, stored_pieces
from brainalign.errors import InputError
from brainalign.stimuli import ProblemSet, Wording
from brainalign.zoo import Answers, LanguageModel

MAX_ROWS = 512
HEAD_ROWS = 128
CONTINUED_ROWS = 32


@dataclass(frozen=True, eq=False)
class PrefilledPrompts:
    """Prompts of n problems, ready to be answered under displacements of their last token.

    Attributes
    ----------
    model : LanguageModel
        The model that read them.
    tree : PrefixTree
        Their tokens.
    store : KeyValueStore
        Keys and values of all tokens but the last, from `first_layer` up.
    entering : tensor of shape (n_layers - first_layer, n_leaves, d)
        The unsteered residual that enters each layer at the last token.
    first_layer : int
        The lowest layer that can be steered.
    max_rows : int
        Rows of one pass; bounds the memory.
    """

    model: LanguageModel
    tree: PrefixTree
    store: KeyValueStore
    entering: torch.Tensor
    first_layer: int
    max_rows: int = MAX_ROWS

    def __len__(self) -> int:
        return len(self.tree.leaf_of)

    @torch.inference_mode()
    def answer(
        self, rows: np.ndarray | torch.Tensor, layers: Sequence[int], displacements: torch.Tensor | None
    ) -> Answers:
        """Answer problems with displacements of the attention outputs at the last token.

        Parameters
        ----------
        rows : int64 array of shape (R,)
            The problem of each row; a problem may stand in many rows.
        layers : sequence of int
            Steered layers, ascending, none below `first_layer`.
        displacements : float32 tensor of shape (R, len(layers), d) or None
            What is added in each steered layer; None runs the same pass without hooks.

        Returns
        -------
        Answers
            Of the rows, in their order. Equal calls give equal bits; a row's bits may depend on the rows beside it.

        Raises
        ------
        InputError
            Shapes, problems or layers that do not fit.
        """
        problems = torch.as_tensor(rows, dtype=torch.int64).reshape(-1).cpu()
        self._check(problems, layers, displacements)
        if not len(problems):
            return Answers(np.empty(0, np.float32), np.empty(0, np.int8))
        leaf = torch.tensor(self.tree.leaf_of)[problems]
        # Rows of one problem, and problems of one prefix, become neighbours.
        order = torch.argsort(leaf, stable=True)
        margin = np.empty(len(problems), dtype=np.float32)
        answer = np.empty(len(problems), dtype=np.int8)
        for block in order.split(self.max_rows):
            chosen = None if displacements is None else displacements[block.to(displacements.device)]
            answers = self._answer_block(leaf[block], layers, chosen)
            margin[block.numpy()], answer[block.numpy()] = answers.margin, answers.answer
        return Answers(margin, answer)

    @torch.inference_mode()
    def continue_answers(
        self,
        rows: np.ndarray | torch.Tensor,
        layers: Sequence[int],
        displacements: torch.Tensor | None,
        max_new_tokens: int,
    ) -> list[list[int]]:
        """Let the model write on, greedily, after displacements of the last input token alone.

        Parameters
        ----------
        rows, layers, displacements
            As in :meth:`answer`.
        max_new_tokens : int
            Most tokens of an answer.

        Returns
        -------
        list of list of int
            New token ids of each row, in the order of the rows, the token that ends an answer included.

        Raises
        ------
        InputError
            Shapes, problems or layers that do not fit, or prompts prefilled from a layer above the lowest: what is
            written sees the prompt at every layer.
        """
        problems = torch.as_tensor(rows, dtype=torch.int64).reshape(-1).cpu()
        self._check(problems, layers, displacements)
        if self.first_layer or max_new_tokens < 1:
            raise InputError(
                f"expected prompts prefilled from layer 0 and at least one new token, found layer {self.first_layer} "
                f"and {max_new_tokens}: prefill from layer 0"
            )
        layers = () if displacements is None else layers
        given = torch.empty(len(problems), 0, self.model.hidden_size) if displacements is None else displacements
        leaf = torch.tensor(self.tree.leaf_of)[problems]
        found: list[list[int]] = [[] for _ in problems]
        for number in leaf.unique().tolist():
            for block in torch.nonzero(leaf == number)[:, 0].split(CONTINUED_ROWS):
                cache = stored_cache(self.model, self.tree, self.store, number, len(block))
                last = self.tree.nodes[number].tokens[-1]
                chosen = given[block.to(given.device)]
                texts = continue_rows(self.model, cache, last, layers, chosen, max_new_tokens)
                for place, text in zip(block.tolist(), texts, strict=True):
                    found[place] = text
        return found

    def _answer_block(self, leaf: torch.Tensor, layers: Sequence[int], displacements: torch.Tensor | None) -> Answers:
        device = self.model.device
        start = layers[0] if layers else self.first_layer
        place = torch.from_numpy(self.tree.places(leaf.tolist())).to(device)
        states = self.entering[start - self.first_layer, place]
        tree_pass = self._tree_pass(leaf, device)
        if displacements is None or not layers:
            last = run_layers(self.model, states, tree_pass, start)
        else:
            added = displacements.to(device=device, dtype=states.dtype).unbind(1)
            steered = dict(zip(layers, added, strict=True))

            def add(layer: int, state: torch.Tensor) -> torch.Tensor:
                return state + steered[layer].to(state.device)

            with hooked(self.model, "attention", layers, add):
                last = run_layers(self.model, states, tree_pass, start)
        return self._head(last)

    def _head(self, last: torch.Tensor) -> Answers:
        parts = [self.model.score(self.model.head(part)) for part in last.split(HEAD_ROWS)]
        return Answers(np.concatenate([part.margin for part in parts]), np.concatenate([part.answer for part in parts]))

    def _tree_pass(self, leaf: torch.Tensor, device: torch.device) -> TreePass:
        segments = list(_runs(leaf))
        positions = torch.tensor([node.end - 1 for node in self.tree.nodes])[leaf]
        return TreePass(
            pieces=stored_pieces(self.tree, segments, own=True),
            positions=positions.to(device),
            n_columns=int(positions.max()),
            store=self.store,
            sees_itself=True,
        )

    def _check(self, problems: torch.Tensor, layers: Sequence[int], displacements: torch.Tensor | None) -> None:
        if len(problems) and not 0 <= int(problems.min()) <= int(problems.max()) < len(self):
            raise InputError(
                f"expected problems from 0 to {len(self) - 1}, found {problems.unique().tolist()}: see rows"
            )
        inside = all(self.first_layer <= layer < self.model.n_layers for layer in layers)
        if not inside or list(layers) != sorted(set(layers)):
            raise InputError(
                f"expected ascending layers from {self.first_layer} to {self.model.n_layers - 1}, found {list(layers)}"
                ": sort them, or prefill from a lower layer"
            )
        expected = (len(problems), len(layers), self.model.hidden_size)
        if displacements is not None and tuple(displacements.shape) != expected:
            raise InputError(
                f"expected displacements of shape {expected}, found {tuple(displacements.shape)}: "
                "give one for each row and layer"
            )


def prefill(
    model: LanguageModel, problems: ProblemSet, wording: Wording, first_layer: int, *, max_rows: int = MAX_ROWS
) -> PrefilledPrompts:
    """Read all problems once, keeping what layers from `first_layer` up need of every token but the last.

    Raises
    ------
    InputError
        A layer that the model does not have.
    """
    return prefill_prompts(model, encode_problems(model, problems, wording), first_layer, max_rows=max_rows)


@torch.inference_mode()
def prefill_prompts(
    model: LanguageModel, prompts: Sequence[Sequence[int]], first_layer: int, *, max_rows: int = MAX_ROWS
) -> PrefilledPrompts:
    """Do the same from token ids."""
    if not 0 <= first_layer < model.n_layers or max_rows < 1:
        raise InputError(
            f"expected a first layer from 0 to {model.n_layers - 1} and at least one row a pass, found {first_layer} "
            f"and {max_rows}: choose a layer of the model"
        )
    tree, store = build_tree(prompts), KeyValueStore()
    shape = (model.n_layers - first_layer, len(tree.leaves), model.hidden_size)
    entering = torch.empty(shape, device=model.device, dtype=model.module.dtype)
    for block in blocks(tree, store, device=model.device, keep_leaves_from=first_layer, n_rows=BLOCK_TOKENS):
        places = torch.from_numpy(tree.places(block.leaves)).to(model.device)
        keep = partial(_keep_entering, entering, first_layer, places, block.final_rows)
        run_layers(model, embed(model, block.ids), block.tree_pass, entering=keep)
    store.keep_layers(first_layer)
    return PrefilledPrompts(model, tree, store, entering, first_layer, max_rows)


def _keep_entering(
    entering: torch.Tensor, first_layer: int, places: torch.Tensor, rows: torch.Tensor, layer: int, states: torch.Tensor
) -> None:
    if layer >= first_layer:
        entering[layer - first_layer, places] = states[rows.to(states.device)].to(entering)


def _runs(leaf: torch.Tensor) -> Iterator[Segment]:
    """Neighbouring rows of the same leaf."""
    values, counts = torch.unique_consecutive(leaf, return_counts=True)
    first = 0
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        yield Segment(value, first, first + count)
        first += count
