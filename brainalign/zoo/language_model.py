"""The language model that the platform asks: chats in, hooks on any attention or layer, True against False out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from brainalign.errors import ModelError
from brainalign.stimuli import Problem, Wording
from brainalign.zoo.chat import Chat, Message, context_of
from brainalign.zoo.facts import ModelFacts
from brainalign.zoo.thinking import spoken_answer, with_thoughts

Site = Literal["attention", "layer"]
TRUE, FALSE, NEITHER = 1, 0, -1


@dataclass(frozen=True)
class Answers:
    """What a model answers to n prompts.

    Attributes
    ----------
    margin : float32 array of shape (n,)
        Logit of True minus logit of False at the next token, each the largest over its accepted spellings.
    answer : int8 array of shape (n,)
        1 True, 0 False, -1 neither: what the most probable token is.
    """

    margin: np.ndarray
    answer: np.ndarray

    def __len__(self) -> int:
        return len(self.answer)


@dataclass
class Firings:
    """How often a hook ran; filled while its context is open."""

    count: int = 0


@dataclass(eq=False)
class LanguageModel:
    """A causal language model of the zoo with its tokenizer, in evaluation mode.

    Attributes
    ----------
    facts : ModelFacts
        What is known of it.
    module : nn.Module
        The causal language model of transformers.
    tokenizer : PreTrainedTokenizerFast
        Its tokenizer, chat template included.
    weights_hash : str
        32 hexadecimal digits over the weights as loaded (their type included).
    """

    facts: ModelFacts
    module: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    weights_hash: str
    _thoughts: dict[tuple[str, str, tuple[int, ...]], list[int]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.module.eval()
        self.module.requires_grad_(False)
        self.chat.check()

    @cached_property
    def chat(self) -> Chat:
        """How it is spoken to."""
        return Chat(self.facts, self.tokenizer, context_of(self.module.config))

    @property
    def decoder(self) -> Any:
        """The stack under the output head: embeddings, layers, final norm, rotary embedding."""
        return self.module.get_decoder()

    @property
    def layers(self) -> nn.ModuleList:
        """The decoder layers; the output of each is the residual stream."""
        layers: nn.ModuleList = self.decoder.layers
        return layers

    @property
    def n_layers(self) -> int:
        """How many decoder layers there are."""
        return len(self.layers)

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""
        return int(self.module.config.hidden_size)

    @property
    def device(self) -> torch.device:
        """Where the embeddings lie, and so the inputs."""
        device: torch.device = self.module.get_input_embeddings().weight.device
        return device

    def attention(self, index: int) -> nn.Module:
        """Self-attention module of a layer; its output is d wide, after the output projection.

        Gemma 2 norms that output once more (``post_attention_layernorm``) before the residual sum. The site
        ``"attention"`` is before that norm, in every family.
        """
        module: nn.Module = self.site("attention", index)
        return module

    def site(self, site: Site, index: int) -> nn.Module:
        """Give the module whose output a hook on (`site`, `index`) sees.

        Raises
        ------
        ModelError
            A layer that the model does not have, or an unknown site.
        """
        if not 0 <= index < self.n_layers:
            raise ModelError(
                f"expected a layer from 0 to {self.n_layers - 1} of {self.facts.name}, found {index}: choose one there"
            )
        if site not in ("attention", "layer"):
            raise ModelError(f"expected the site 'attention' or 'layer', found {site!r}: choose one of them")
        layer: Any = self.layers[index]
        module: nn.Module = layer.self_attn if site == "attention" else layer
        return module

    def encode_chat(self, messages: Sequence[Message]) -> list[int]:
        """Render a chat by the model's own template, generation prompt added, and tokenise it.

        Raises
        ------
        ModelError
            The template refuses the chat (a role that it does not know), or the prompt is longer than the context.
        """
        return self.chat.encode(messages)

    def encode_problem(self, problem: Problem, wording: Wording) -> list[int]:
        """Tokens of the prompt that puts a problem to the model, in the words for its kind (base models have others).

        A model that thinks aloud writes its thoughts first; they are part of the prompt, and kept for the next time.

        Raises
        ------
        ModelError
            The prompt is longer than the context.
        InputError
            The wording has no texts for problems of this type.
        """
        ids = self.chat.encode_problem(problem, wording)
        if self.facts.chat.style != "thinking":
            return ids
        if self._is_hooked():
            return with_thoughts(self, ids)
        return self._once(with_thoughts, ids)

    def answer_tokens(self, ids: list[int]) -> list[int]:
        """Tokens that a model that thinks aloud answers a prompt with, thoughts and all; of other models, none.

        Its states are averaged over them. Written greedily and kept for the next time, but anew while it is hooked.
        """
        if self.facts.chat.style != "thinking":
            return []
        return spoken_answer(self, ids) if self._is_hooked() else self._once(spoken_answer, ids)

    def _is_hooked(self) -> bool:
        return any(module._forward_hooks for layer in self.layers for module in layer.modules())

    def _once(self, write: Callable[["LanguageModel", list[int]], list[int]], ids: list[int]) -> list[int]:
        place = (self.weights_hash, write.__name__, tuple(ids))
        if place not in self._thoughts:
            self._thoughts[place] = write(self, ids)
        return list(self._thoughts[place])

    @property
    def true_ids(self) -> tuple[int, ...]:
        """Tokens that answer True."""
        return self.chat.true_ids

    @property
    def false_ids(self) -> tuple[int, ...]:
        """Tokens that answer False."""
        return self.chat.false_ids

    @contextmanager
    def hook(self, site: Site, index: int, fn: Callable[[torch.Tensor], torch.Tensor | None]) -> Iterator[Firings]:
        """Call `fn` on an output of shape (batch, tokens, d) whenever it is computed, until the context is left.

        What `fn` returns takes the output's place; None leaves it. The hook is removed also after an exception.
        """
        firings = Firings()

        def run(module: nn.Module, inputs: Any, output: Any) -> Any:
            firings.count += 1
            state = output[0] if isinstance(output, tuple) else output
            changed = fn(state)
            if changed is None:
                return None
            return (changed, *output[1:]) if isinstance(output, tuple) else changed

        handle = self.site(site, index).register_forward_hook(run)
        try:
            yield firings
        finally:
            handle.remove()

    @torch.inference_mode()
    def forward(self, ids: Sequence[int]) -> torch.Tensor:
        """Logits of the next token after one prompt, float32 of shape (vocabulary,), by the plain forward pass."""
        inputs = torch.tensor([list(ids)], device=self.device)
        logits: torch.Tensor = self.module(input_ids=inputs, use_cache=False, logits_to_keep=1).logits
        return logits[0, -1].float()

    @torch.inference_mode()
    def head(self, states: torch.Tensor) -> torch.Tensor:
        """Logits (n, vocabulary) float32 of residual states (n, d) that leave the last layer."""
        logits: torch.Tensor = self.module.get_output_embeddings()(self.decoder.norm(states)).float()
        cap = getattr(self.module.config, "final_logit_softcapping", None)
        return logits if cap is None else torch.tanh(logits / cap) * cap

    def score(self, logits: torch.Tensor) -> Answers:
        """Read answers from logits (n, vocabulary) of the next token."""
        true = logits[:, list(self.true_ids)].amax(dim=1)
        false = logits[:, list(self.false_ids)].amax(dim=1)
        best = logits.amax(dim=1)
        answer = torch.full_like(best, NEITHER, dtype=torch.int8)
        answer[false == best] = FALSE
        answer[true == best] = TRUE
        return Answers((true - false).float().cpu().numpy(), answer.cpu().numpy())
