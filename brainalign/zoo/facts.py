"""What is known of a model before it is loaded; imports nothing heavy."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

NOT_QUANTISED = "none"
QUANTISATIONS = (NOT_QUANTISED, "fp8", "nf4")
AUTO = "auto"
UNPINNED = "main"


@dataclass(frozen=True)
class Cards:
    """So many GPUs of a size in GB as it is sold (a 24 GB card may offer 22 to 23 GiB)."""

    count: int
    size_gb: int

    def __str__(self) -> str:
        return f"{self.count} x {self.size_gb} GB"


@dataclass(frozen=True)
class CardNeeds:
    """GPUs that a model needs, estimated: for inference, to train LoRA, to train the attention of the middle half."""

    inference: Cards
    lora: Cards
    attention: Cards


@dataclass(frozen=True)
class ChatRules:
    """How a model is spoken to.

    Attributes
    ----------
    style : {"chat", "base", "thinking"}
        A chat by its own template; a base model, which gets the experiment's prompt for such models as plain text; or a
        model that thinks aloud before it answers.
    has_system_role : bool
        Whether the template takes a system message.
    options : tuple of (name, value)
        What the template is told beside the chat.
    answer_lead : str
        What the model writes before every answer; it is given with the prompt, so that the next token is the answer.
    max_thoughts : int
        Most tokens that a model that thinks aloud may write before it has to answer.
    """

    style: Literal["chat", "base", "thinking"] = "chat"
    has_system_role: bool = True
    options: tuple[tuple[str, Any], ...] = ()
    answer_lead: str = ""
    max_thoughts: int = 2048


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model before it is loaded.

    Attributes
    ----------
    name : str
        The name in the registry.
    hub_id : str or None
        The repository on the hub; None for a model that stands on none.
    n_parameters : int
        Trained numbers, tied ones counted once.
    n_layers, hidden_size : int
        Decoder layers and the width of the residual stream.
    family : str
        The model type of transformers (``"llama"``, ``"gemma2"``, …).
    licence : str
        SPDX name of the weights' licence, else its usual name.
    gated : bool
        The hub asks for an accepted licence or a login.
    embedded : bool
        The weights come from a package or are made here: nothing is downloaded.
    quantisation : str
        What was done to the published weights.
    memory_gib : float
        Memory for inference in `dtype`, GiB: weights, working space, keys and values.
    base : str or None
        The model of the registry that this one was trained from; None where it is published as it is.
    revision : str
        Branch, tag or commit on the hub; ``"main"`` is not pinned.
    dtype : str
        Type that the weights are published and loaded in.
    n_heads, n_kv_heads, head_width : int
        Attention heads, those of keys and values, and their width; 0 where nobody needs it before loading.
    context : int
        Most tokens of a prompt; 0 where the loaded model says it.
    chat : ChatRules
        How it is spoken to.
    stop_ids : tuple of int
        Tokens that end an answer; empty where the loaded model says it.
    answer_ids : pair of tuples of int, or None
        Tokens of True and of False in context, without and with a space; None where nothing is recorded.
    cards : CardNeeds or None
        GPUs that it needs; None for a model that runs on a CPU.
    attention_path, layer_path : str
        Modules whose outputs are read and steered; ``{layer}`` counts from 0.
    """

    name: str
    hub_id: str | None
    n_parameters: int
    n_layers: int
    hidden_size: int
    family: str
    licence: str
    gated: bool = False
    embedded: bool = True
    quantisation: str = NOT_QUANTISED
    memory_gib: float = 0.5
    base: str | None = None
    revision: str = UNPINNED
    dtype: str = "float32"
    n_heads: int = 0
    n_kv_heads: int = 0
    head_width: int = 0
    context: int = 0
    chat: ChatRules = field(default_factory=ChatRules)
    stop_ids: tuple[int, ...] = ()
    answer_ids: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    cards: CardNeeds | None = None
    attention_path: str = "model.layers.{layer}.self_attn"
    layer_path: str = "model.layers.{layer}"


@dataclass(frozen=True)
class LoadOptions:
    """How a model is loaded.

    Attributes
    ----------
    dtype : str
        Type of weights and states.
    device : str
        A torch device; ``"auto"`` is every GPU that the process sees (as many as the model takes), else the CPU.
    cache : path, optional
        Where weights are kept.
    quantisation : {"none", "fp8", "nf4"}
        How the weights of linear layers are held.
    processes : int
        Processes of a torch.distributed group that share every layer (tensor parallel).
    """

    dtype: str = "float32"
    device: str = "cpu"
    cache: Path | None = field(default=None, compare=False)
    quantisation: str = NOT_QUANTISED
    processes: int = 1

    @property
    def identity(self) -> dict[str, str]:
        """What of this changes the numbers that a model computes with; a part of its weights' hash."""
        held = {} if self.quantisation == NOT_QUANTISED else {"quantisation": self.quantisation}
        return {"dtype": self.dtype, **held}

    def recorded(self, facts: ModelFacts) -> ModelFacts:
        """Facts of a model as it is loaded: they say how its weights are held."""
        if self.quantisation == NOT_QUANTISED:
            return facts
        before = "" if facts.quantisation == NOT_QUANTISED else f"{facts.quantisation}, then "
        return replace(facts, quantisation=f"{before}{self.quantisation} at loading")
