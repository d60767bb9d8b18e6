"""Attention and layer outputs at the last input token of every layer, for all problems of a set.

Of a model that thinks aloud: their means over the tokens of its answer, which it writes behind its thoughts.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from brainalign.activations.hooks import SITES, hooked, is_edited
from brainalign.activations.packed import BLOCK_TOKENS, blocks, embed, run_layers
from brainalign.activations.prefix_tree import build_tree
from brainalign.activations.tree_attention import KeyValueStore
from brainalign.artifacts import Store, content_key, hash_json
from brainalign.errors import InputError
from brainalign.stimuli import ProblemSet, Wording
from brainalign.zoo import Answers, LanguageModel, Site

STAGE = "activations"
VERSION = 1


@dataclass(frozen=True)
class Activations:
    """States of a model at the last input token, before it answers; of one that thinks aloud, means over its answer.

    Attributes
    ----------
    values : float32 array of shape (2, n_layers, n_stimuli, d)
        Outputs of the attention modules (after the output projection, before any norm and the residual sum), then of
        the layers (the residual stream; the last layer's before the model's final norm).
    stimulus_ids : tuple of str
        The problems, in the order of the third axis.
    answers : Answers
        What the model answers without steering.
    """

    values: np.ndarray
    stimulus_ids: tuple[str, ...]
    answers: Answers

    def __post_init__(self) -> None:
        n_problems = len(self.stimulus_ids)
        if self.values.ndim != 4 or self.values.shape[0] != len(SITES) or self.values.shape[2] != n_problems:
            raise InputError(
                f"expected states of shape (2, n_layers, {n_problems}, d), found {self.values.shape}: "
                "give one state for each problem"
            )

    @property
    def n_layers(self) -> int:
        """How many layers the states come from."""
        return int(self.values.shape[1])

    def site(self, name: Site, layer: int) -> np.ndarray:
        """States (n_stimuli, d) at one site of one layer.

        Raises
        ------
        InputError
            An unknown site or a layer that is not there.
        """
        if name not in SITES or not 0 <= layer < self.n_layers:
            raise InputError(
                f"expected a site of {', '.join(SITES)} and a layer from 0 to {self.n_layers - 1}, "
                f"found {name!r} and {layer}: choose one of them"
            )
        states: np.ndarray = self.values[SITES.index(name), layer]
        return states

    def select(self, stimulus_ids: Sequence[str]) -> "Activations":
        """States of some problems, in the given order.

        Raises
        ------
        InputError
            A problem that is not there.
        """
        place = {stimulus_id: index for index, stimulus_id in enumerate(self.stimulus_ids)}
        missing = [stimulus_id for stimulus_id in stimulus_ids if stimulus_id not in place]
        if missing:
            raise InputError(
                f"expected problems that states were extracted for, found {missing[0]!r} and {len(missing) - 1} others "
                "without: extract them first"
            )
        rows = np.array([place[stimulus_id] for stimulus_id in stimulus_ids], dtype=np.int64)
        answers = Answers(self.answers.margin[rows], self.answers.answer[rows])
        return Activations(self.values[:, :, rows], tuple(stimulus_ids), answers)


def extract(
    model: LanguageModel,
    problems: ProblemSet,
    wording: Wording,
    *,
    store: Store | None = None,
    block_tokens: int = BLOCK_TOKENS,
) -> Activations:
    """Extract the states of all problems at the last token of their prompts.

    Prompts that begin alike share what they begin with; their other tokens run packed, without padding.

    Parameters
    ----------
    model : LanguageModel
        The model.
    problems : ProblemSet
        The problems.
    wording : Wording
        How a problem becomes a chat.
    store : Store, optional
        Where states are kept under their content key, and found again; they are made on one thread then. Not used
        while the model is steered (:func:`brainalign.activations.edited`), as its states are then not its own.
    block_tokens : int
        Tokens a pass; changes speed and memory, not the states.
    """
    ids = tuple(problems.ids)
    if store is None or is_edited(model):
        return Activations(*_extract(model, encode_problems(model, problems, wording), ids, block_tokens))
    key = activations_key(model, problems, wording)
    found = store.load_arrays(STAGE, key)
    if found is not None:
        return Activations(found["values"], ids, Answers(found["margin"], found["answer"]))
    with one_thread():  # what is kept must not depend on who made it
        made = Activations(*_extract(model, encode_problems(model, problems, wording), ids, block_tokens))
    arrays = {"values": made.values, "margin": made.answers.margin, "answer": made.answers.answer}
    described = {"model": model.facts.name, "n_problems": len(ids), "wording": wording.source}
    store.save_arrays(STAGE, key, arrays, described)
    return made


def activations_key(model: LanguageModel, problems: ProblemSet, wording: Wording) -> str:
    """Name the states of problems by what they depend on: weights, tokens of every prompt, this stage's version.

    Whatever stands on these states takes this key into its own.
    """
    prompts = encode_problems(model, problems, wording)
    settings = {"weights": model.weights_hash, "prompts": hash_json(prompts), "ids": list(problems.ids)}
    if model.facts.chat.style == "thinking":  # what is said follows from weights and prompt
        settings["at"] = "mean over the answer"
    return content_key(STAGE, VERSION, settings)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread inside, so that the last bits do not depend on the number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def encode_problems(model: LanguageModel, problems: ProblemSet, wording: Wording) -> list[list[int]]:
    """Token ids of each problem's prompt, by the model's own chat template."""
    return [model.encode_problem(problem, wording) for problem in problems]


@torch.inference_mode()
def extract_prompts(
    model: LanguageModel, prompts: Sequence[Sequence[int]], *, block_tokens: int = BLOCK_TOKENS
) -> tuple[np.ndarray, Answers]:
    """States (2, n_layers, n_prompts, d) float32 and answers at the last token of prompts of token ids."""
    tree = build_tree(prompts)
    record = _Record.empty(model, len(tree.leaves))
    every = range(model.n_layers)
    with hooked(model, "attention", every, record.attention), hooked(model, "layer", every, record.layer):
        for block in blocks(tree, KeyValueStore(), device=model.device, n_rows=block_tokens):
            record.places = tree.places(block.leaves)
            record.final_rows = block.final_rows
            last = run_layers(model, embed(model, block.ids), block.tree_pass)
            if block.leaves:
                record.answers(model.score(model.head(last[block.final_rows.to(last.device)])))
    rows = tree.places(tree.leaf_of)
    return record.values[:, :, rows], Answers(record.margin[rows], record.answer[rows])


def _extract(
    model: LanguageModel, prompts: list[list[int]], ids: tuple[str, ...], block_tokens: int
) -> tuple[np.ndarray, tuple[str, ...], Answers]:
    """States, ids and answers; states of a model that thinks aloud are means over the tokens of its answers."""
    values, answers = extract_prompts(model, prompts, block_tokens=block_tokens)
    for place, prompt in enumerate(prompts):
        spoken = model.answer_tokens(prompt)
        if spoken:  # each token's state is that at the end of all up to it; what they share is computed once
            up_to = [[*prompt, *spoken[: n + 1]] for n in range(len(spoken))]
            values[:, :, place] = extract_prompts(model, up_to, block_tokens=block_tokens)[0].mean(axis=2)
    return values, ids, answers


@dataclass
class _Record:
    """What the hooks write: states and answers of each leaf. `places`, `final_rows`: where the next ones belong."""

    values: np.ndarray
    margin: np.ndarray
    answer: np.ndarray
    places: np.ndarray
    final_rows: torch.Tensor

    @classmethod
    def empty(cls, model: LanguageModel, n_leaves: int) -> "_Record":
        return cls(
            values=np.empty((len(SITES), model.n_layers, n_leaves, model.hidden_size), dtype=np.float32),
            margin=np.empty(n_leaves, dtype=np.float32),
            answer=np.empty(n_leaves, dtype=np.int8),
            places=np.empty(0, dtype=np.int64),
            final_rows=torch.empty(0, dtype=torch.int64),
        )

    def attention(self, layer: int, state: torch.Tensor) -> None:
        self._write(0, layer, state)

    def layer(self, layer: int, state: torch.Tensor) -> None:
        self._write(1, layer, state)

    def answers(self, answers: Answers) -> None:
        self.margin[self.places] = answers.margin
        self.answer[self.places] = answers.answer

    def _write(self, site: int, layer: int, state: torch.Tensor) -> None:
        rows = self.final_rows.to(state.device)
        self.values[site, layer, self.places] = state[0, rows].float().cpu().numpy()
