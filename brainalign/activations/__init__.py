"""States of a model at the last token of each problem, and steering of that token from stored prompts."""

from brainalign.activations.answering import answer_prompts, continuations, option_logits
from brainalign.activations.extraction import Activations, activations_key, encode_problems, extract
from brainalign.activations.hooks import displaced, edited, hooked, is_edited
from brainalign.activations.prefilled import PrefilledPrompts, prefill

__all__ = [
    "Activations",
    "PrefilledPrompts",
    "activations_key",
    "answer_prompts",
    "continuations",
    "displaced",
    "edited",
    "encode_problems",
    "extract",
    "hooked",
    "is_edited",
    "option_logits",
    "prefill",
]
