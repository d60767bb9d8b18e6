"""Thoughts of a model that thinks aloud: written once, greedily, and put before its answer as part of the prompt.

What follows is then one token like any other model's answer: it is read, and steered at the token before it, by the
same passes. Thoughts that do not end within their limit are closed, so that the model has to answer. States that betas
are predicted from are means over the tokens of the answer (method of the paper, models that think).
"""

from typing import TYPE_CHECKING

import torch

from brainalign.errors import ModelError

if TYPE_CHECKING:
    from brainalign.zoo.language_model import LanguageModel

CLOSE = "</think>"
_BEHIND = "\n\n"
MAX_ANSWER = 16
"""Most tokens of an answer that states are averaged over: True or False and what little is written around it."""


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
    written = _written(model, ids, room, [close, *model.facts.stop_ids])
    return [*ids, *written, close, *model.tokenizer(_BEHIND, add_special_tokens=False)["input_ids"]]


@torch.inference_mode()
def spoken_answer(model: "LanguageModel", ids: list[int]) -> list[int]:
    """Give the tokens that a model answers with behind its thoughts, greedily, without what ends them.

    At most `MAX_ANSWER` tokens; none where the model ends at once, or the context is full.
    """
    room = min(MAX_ANSWER, model.chat.context - len(ids))
    return _written(model, ids, room, list(model.facts.stop_ids)) if room > 0 else []


def _written(model: "LanguageModel", ids: list[int], room: int, stops: list[int]) -> list[int]:
    """Let the model write greedily, up to a token that ends it or until there is no room."""
    written: list[int] = model.module.generate(
        input_ids=torch.tensor([ids], device=model.device),
        attention_mask=torch.ones(1, len(ids), dtype=torch.int64, device=model.device),
        max_new_tokens=room,
        do_sample=False,
        repetition_penalty=1.0,
        eos_token_id=stops or None,
        pad_token_id=stops[0] if stops else 0,
    )[0].tolist()[len(ids) :]
    while written and written[-1] in stops:
        written.pop()
    return written
