"""Thoughts of a model that thinks aloud: written once, greedily, and put before its answer as part of the prompt.

What follows is then one token like any other model's answer: it is read, and steered at the token before it, by the
same passes. Thoughts that do not end within their limit are closed, so that the model has to answer.
"""

from typing import TYPE_CHECKING

import torch

from brainalign.errors import ModelError

if TYPE_CHECKING:
    from brainalign.zoo.language_model import LanguageModel

CLOSE = "</think>"
_BEHIND = "\n\n"


@torch.inference_mode()
def with_thoughts(model: "LanguageModel", ids: list[int]) -> list[int]:
    """Give a prompt with the model's thoughts and what ends them; hooks that are set act on the thoughts too.

    Raises
    ------
    ModelError
        The tokenizer has no token that ends thoughts, or prompt and thoughts exceed the context.
    """
    close = model.tokenizer.convert_tokens_to_ids(CLOSE)
    if close is None or close == model.tokenizer.unk_token_id:
        raise ModelError(f"expected the token {CLOSE} in the tokenizer of {model.facts.name}, found none: use its own")
    room = min(model.facts.chat.max_thoughts, model.chat.context - len(ids) - 8)
    if room < 1:
        raise ModelError(
            f"expected a prompt that leaves room for thoughts in {model.chat.context} tokens of {model.facts.name}, "
            f"found {len(ids)}: shorten it"
        )
    stops = [close, *model.facts.stop_ids]
    written = model.module.generate(
        input_ids=torch.tensor([ids], device=model.device),
        attention_mask=torch.ones(1, len(ids), dtype=torch.int64, device=model.device),
        max_new_tokens=room,
        do_sample=False,
        repetition_penalty=1.0,
        eos_token_id=stops,
        pad_token_id=stops[0],
    )[0].tolist()
    while written[-1] in stops:
        written.pop()
    return [*written, close, *model.tokenizer(_BEHIND, add_special_tokens=False)["input_ids"]]
