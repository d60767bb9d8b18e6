"""A row of the registry, and how a published model becomes one. Imports nothing heavy."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from brainalign.zoo.facts import CardNeeds, Cards, ChatRules, LoadOptions, ModelFacts
from brainalign.zoo.recorded import Recorded, recorded

if TYPE_CHECKING:
    from brainalign.zoo.language_model import LanguageModel

FROM_FOLDER = "brainalign.zoo.published:build"
_GIB = 2**30
# Working room for which memory is stated: eight prompts of 2,048 tokens, as for the figures of `cards`.
_TOKENS_HELD = 8 * 2048


@dataclass(frozen=True)
class Entry:
    """A row of the registry; `builder` is ``"module:function"``, so that a listing imports no torch."""

    facts: ModelFacts
    builder: str

    def build(self, options: LoadOptions, facts: ModelFacts | None = None) -> "LanguageModel":
        """Import the builder and call it, on `facts` where they differ from the row's (another revision)."""
        module, function = self.builder.split(":")
        builder: Callable[[ModelFacts, LoadOptions], LanguageModel] = getattr(import_module(module), function)
        return builder(facts or self.facts, options)


def published(
    name: str,
    licence: str,
    cards: tuple[str, str, str],
    chat: ChatRules | None = None,
    *,
    gated: bool = False,
    builder: str = FROM_FOLDER,
) -> Entry:
    """Make the row of a model whose configuration `recorded.json` has under `name`.

    Parameters
    ----------
    name : str
        Name in the registry and in ``recorded.json``.
    licence : str
        Licence of the weights.
    cards : three texts such as ``"2x80"``
        GPUs for inference, LoRA, and training the attention of the middle half.
    chat : ChatRules, optional
        How it is spoken to.
    gated : bool
        The hub asks for an accepted licence.
    builder : str
        ``"module:function"`` that loads it; by default from a folder of safetensors.
    """
    row = recorded(name)
    config = row.config
    facts = ModelFacts(
        name=name,
        hub_id=row.hub_id,
        n_parameters=row.n_parameters,
        n_layers=config["num_hidden_layers"],
        hidden_size=config["hidden_size"],
        family=config["model_type"],
        licence=licence,
        gated=gated,
        embedded=builder != FROM_FOLDER,
        memory_gib=_inference_gib(row),
        dtype=config["dtype"],
        n_heads=config["num_attention_heads"],
        n_kv_heads=config["num_key_value_heads"],
        head_width=row.head_width,
        context=config["max_position_embeddings"],
        chat=chat or ChatRules(),
        stop_ids=row.stop_ids,
        answer_ids=row.answer_ids,
        cards=CardNeeds(*(_cards(text) for text in cards)),
    )
    return Entry(facts, builder)


def _cards(text: str) -> Cards:
    count, size = text.split("x")
    return Cards(int(count), int(size))


def _inference_gib(row: Recorded) -> float:
    """Memory of 16-bit weights with 5 % to spare, 1 GiB of working space, and keys and values of the tokens held."""
    held = 4 * row.config["num_hidden_layers"] * row.config["num_key_value_heads"] * row.head_width * _TOKENS_HELD
    return round(1.05 * 2 * row.n_parameters / _GIB + 1 + held / _GIB, 1)
