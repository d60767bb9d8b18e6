"""Sizes of a decoder, from the attributes of its configuration; nothing heavy is imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brainalign.errors import ModelError

FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "phi3", "gemma2", "gemma3_text")
_NORMS_OF_HEADS = ("qwen3", "gemma3_text")
_GEMMA = ("gemma2", "gemma3_text")


@dataclass(frozen=True)
class ModelShape:
    """What decides how many bytes and operations a decoder costs.

    Attributes
    ----------
    family : str
        Model type of transformers.
    n_layers, width, ffn, vocabulary : int
        Layers, residual width, inner width of the feed-forward, rows of the embedding.
    n_heads, n_kv_heads, head_width : int
        Attention heads, those of keys and values, and their width.
    tied : bool
        Embedding and output head are one.
    attention_bias : bool
        Queries, keys and values have biases.
    output_bias : bool
        The attention's output projection has one.
    soft_capped : bool
        Attention scores pass a tanh.
    """

    family: str
    n_layers: int
    width: int
    ffn: int
    vocabulary: int
    n_heads: int
    n_kv_heads: int
    head_width: int
    tied: bool
    attention_bias: bool = False
    output_bias: bool = False
    soft_capped: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "ModelShape":
        """Read the attributes of a transformers configuration.

        Raises
        ------
        ModelError
            A family whose layers are not known here.
        """
        family = config["model_type"]
        if family not in FAMILIES:
            raise ModelError(f"expected a model type among {', '.join(FAMILIES)}, found {family!r}: add its shape")
        biased = bool(config.get("attention_bias"))
        heads = config["num_attention_heads"]
        return cls(
            family=family,
            n_layers=config["num_hidden_layers"],
            width=config["hidden_size"],
            ffn=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            n_heads=heads,
            n_kv_heads=config.get("num_key_value_heads") or heads,
            head_width=config.get("head_dim") or config["hidden_size"] // heads,
            tied=bool(config["tie_word_embeddings"]),
            attention_bias=family == "qwen2" or biased,
            output_bias=biased,
            soft_capped=bool(config.get("attn_logit_softcapping")),
        )

    @property
    def query_width(self) -> int:
        """Width of all queries together."""
        return self.n_heads * self.head_width

    @property
    def kv_width(self) -> int:
        """Width of all keys, or all values, together."""
        return self.n_kv_heads * self.head_width

    @property
    def fused(self) -> bool:
        """Queries, keys and values come out of one projection."""
        return self.family == "phi3"

    @property
    def norms_heads(self) -> bool:
        """Queries and keys are normed, head by head."""
        return self.family in _NORMS_OF_HEADS

    @property
    def n_norms(self) -> int:
        """Norms of a layer on the residual width."""
        return 4 if self.family in _GEMMA else 2

    @property
    def n_windows(self) -> int:
        """Kinds of attention windows among the layers."""
        return 2 if self.family in _GEMMA else 1

    @property
    def n_attention(self) -> int:
        """Parameters of one attention module."""
        inner = self.query_width + 2 * self.kv_width
        weights = self.width * (inner + self.query_width)
        biases = inner * self.attention_bias + self.width * self.output_bias
        return weights + biases + 2 * self.head_width * self.norms_heads

    @property
    def n_layer(self) -> int:
        """Parameters of one layer."""
        return self.n_attention + 3 * self.width * self.ffn + self.n_norms * self.width

    @property
    def n_parameters(self) -> int:
        """Parameters of the model, tied ones once."""
        return self.n_layers * self.n_layer + self.width + self.vocabulary * self.width * (1 if self.tied else 2)

    def n_adapter(self, rank: int) -> int:
        """Parameters of the adapters of one layer's query, key, value and output projections."""
        inner = self.query_width + 2 * self.kv_width
        first = rank * (self.width + inner) if self.fused else rank * (3 * self.width + inner)
        return first + rank * (self.query_width + self.width)
