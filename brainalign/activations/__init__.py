"""States of a model at the last token of each problem, and steering of that token from stored prompts."""

from brainalign.activations.answering import answer_prompts, continuations, option_logits
from brainalign.activations.extraction import Activations, encode_problems, extract
from brainalign.activations.hooks import displaced, hooked, last_tokens
from brainalign.activations.prefilled import PrefilledPrompts, prefill

__all__ = [
    "Activations",
    "PrefilledPrompts",
    "answer_prompts",
    "continuations",
    "displaced",
    "encode_problems",
    "extract",
    "hooked",
    "last_tokens",
    "option_logits",
    "prefill",
]
