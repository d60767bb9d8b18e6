"""Lengths of the prompts that a plan reckons with: counted by a tokenizer on real problems, or given."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brainalign.errors import DataNotFoundError, InputError, ModelError

if TYPE_CHECKING:
    from brainalign.planning.prompt_sizes import PromptSizes
    from brainalign.stimuli import ProblemSet, Wording
    from brainalign.zoo import ModelFacts
    from brainalign.zoo.chat import Chat

SCANNED = 70
"""Problems of the experiment; so many prompts where their length is given or problems are generated."""
_STAND_IN = "smollm2-135m"


@dataclass(frozen=True)
class Prompts:
    """Sizes of a pass, what they rest on, and the token ids where they are the model's own."""

    sizes: "PromptSizes"
    assumptions: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...] = ()


def count_prompts(
    facts: "ModelFacts", n_prompts: int | None, *, betas: Path | None, tokens: int | None, shared: int
) -> Prompts:
    """Count the tokens of a pass over `n_prompts` prompts, or over all of them (None).

    The experiment's problems are taken where the betas are found, generated ones else; the model's own tokenizer where
    it is on this machine, that of SmolLM2 else. Of all runs of consecutive problems the longest counts.
    """
    from brainalign.planning.prompt_sizes import PromptSizes

    if tokens is not None:
        if shared >= tokens:
            raise InputError(
                f"expected fewer shared tokens than the {tokens} of a prompt, found {shared}: lower --shared"
            )
        sizes = PromptSizes.assumed(n_prompts or SCANNED, tokens, shared)
        return Prompts(sizes, (f"prompts of {tokens} tokens, {shared} of them shared, as given",))
    problems, wording, source = _problems(betas)
    chat, tokenizer = _chat(facts)
    ids = [tuple(chat.encode_problem(problem, wording)) for problem in problems]
    n_each = len(ids) if n_prompts is None else n_prompts
    if n_each > len(ids):
        raise InputError(f"expected a micro-batch of at most the {len(ids)} problems, found {n_each}: take fewer")
    passes = [ids[start : start + n_each] for start in range(0, len(ids) - n_each + 1, n_each)]
    sized = [(PromptSizes.of_prompts(one), one) for one in passes]
    sizes, longest = max(sized, key=lambda pair: pair[0].n_tokens)
    own = tokenizer == facts.name.partition("@")[0]
    said = f"prompts of {source}, counted by the tokenizer of {tokenizer}" + ("" if own else " in its stead")
    return Prompts(sizes, (said,), tuple(longest) if own else ())


def _problems(betas: Path | None) -> "tuple[ProblemSet, Wording, str]":
    from brainalign.betas import load_betas
    from brainalign.stimuli import generate_problems, own_wording

    try:
        dataset = load_betas(betas)
    except DataNotFoundError:
        if betas is not None:
            raise
        return generate_problems(SCANNED // 2, seed=1), own_wording(), "generated problems (no betas found)"
    return dataset.problems, dataset.wording, dataset.source.description


def _chat(facts: "ModelFacts") -> "tuple[Chat, str]":
    from brainalign.zoo import load_model
    from brainalign.zoo.chat import Chat, context_of
    from brainalign.zoo.places import find_folder

    if facts.embedded:
        return load_model(facts.name).chat, facts.name
    try:
        folder = find_folder(facts)
    except ModelError:
        try:
            return load_model(_STAND_IN).chat, _STAND_IN
        except ModelError as error:
            raise ModelError(
                f"expected a tokenizer to count prompts with, found none of {facts.name} or {_STAND_IN} ({error}): "
                "fetch the model, or give --tokens"
            ) from error
    from brainalign.zoo.published import checked_config, load_tokenizer

    return Chat(facts, load_tokenizer(folder), context_of(checked_config(folder, facts))), facts.name
