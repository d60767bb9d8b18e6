"""How a model is spoken to: its tokenizer, its template and its habits. Needs no weights."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jinja2.exceptions import TemplateError

from brainalign.errors import ModelError
from brainalign.stimuli import Problem, Wording
from brainalign.zoo.facts import ModelFacts

Message = Mapping[str, str]
# What answers are looked for behind; a text that is continued must end as prompts do, or "word.True" would be pieces.
_PROBE = {"chat": "Answer with one word.", "thinking": "Answer with one word.", "base": "One word.\nAnswer:\n"}
# A base model continues a text. Those that were trained with a begin-of-text token get it.
BASE_TEMPLATE = (
    "{% if bos_token is defined and bos_token %}{{ bos_token }}{% endif %}"
    "{% for message in messages %}{{ message['content'] }}{% if not loop.last %}{{ '\n\n' }}{% endif %}{% endfor %}"
)


@dataclass(frozen=True, eq=False)
class Chat:
    """A tokenizer with the habits that the registry records of its model.

    Attributes
    ----------
    facts : ModelFacts
        What is known of the model.
    tokenizer : PreTrainedTokenizerFast
        Its tokenizer, chat template included.
    context : int
        Most tokens of a prompt.
    """

    facts: ModelFacts
    tokenizer: Any = field(repr=False)
    context: int

    def check(self) -> None:
        """Find the tokens of True and False, and compare them with those that are recorded of the model.

        Answers are read from the next token alone, in every pass. So a tokenizer that splits them is refused rather
        than scored in another way than the rest.

        Raises
        ------
        ModelError
            A word is no single token behind a prompt, or other tokens than the published ones.
        """
        found = (self.true_ids, self.false_ids)
        name = self.facts.name
        if not all(found):
            raise ModelError(
                f"expected True and False to be one token each after a prompt of {name}, found {len(found[0])} and "
                f"{len(found[1])} such spellings: use the model's own tokenizer"
            )
        recorded = self.facts.answer_ids
        if recorded is not None and tuple(map(set, found)) != tuple(map(set, recorded)):
            raise ModelError(
                f"expected True and False to be the tokens {recorded[0]} and {recorded[1]} of {name}, found {found[0]} "
                f"and {found[1]}: this is another model's tokenizer, fetch {name} again"
            )

    def words(self, wording: Wording) -> Wording:
        """Texts for this model: a base model gets those for base models."""
        return wording.for_base() if self.facts.chat.style == "base" else wording

    def render(self, messages: Sequence[Message], *, generation_prompt: bool = True) -> str:
        """Text of a chat; with the generation prompt comes the lead of the answer.

        Raises
        ------
        ModelError
            The template refuses the chat (a role that it does not know).
        """
        text = self._render(messages, generation_prompt)
        return text + self.facts.chat.answer_lead if generation_prompt else text

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a chat.

        The template writes its default system text and its own begin-of-text token, so the tokenizer adds none.

        Raises
        ------
        ModelError
            The template refuses the chat, or the prompt is longer than the context.
        """
        ids = self._encode(self.render(messages))
        if len(ids) > self.context:
            raise ModelError(
                f"expected a prompt of at most {self.context} tokens for {self.facts.name}, found {len(ids)}: "
                "shorten it, or take a model with a longer context"
            )
        return ids

    def encode_problem(self, problem: Problem, wording: Wording) -> list[int]:
        """Token ids of the prompt that puts a problem to the model."""
        return self.encode(self.words(wording).messages(problem))

    @cached_property
    def true_ids(self) -> tuple[int, ...]:
        """Tokens that answer True."""
        return self._spellings("True")

    @cached_property
    def false_ids(self) -> tuple[int, ...]:
        """Tokens that answer False."""
        return self._spellings("False")

    def _render(self, messages: Sequence[Message], generation_prompt: bool = True) -> str:
        chat = [dict(message) for message in messages]
        rules = self.facts.chat
        options = {**dict(rules.options), **({"chat_template": BASE_TEMPLATE} if rules.style == "base" else {})}
        try:
            text: str = self.tokenizer.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=generation_prompt, **options
            )
        except TemplateError as error:
            roles = ", ".join(message["role"] for message in chat)
            raise ModelError(
                f"expected a chat that the template of {self.facts.name} takes, found the roles {roles} ({error}): "
                "put a system text into the first user turn and let user and assistant alternate"
            ) from error
        except ValueError as error:
            raise ModelError(
                f"expected a tokenizer of {self.facts.name} with a chat template, found {error}: fetch the model's own "
                "tokenizer files, or record it as a base model"
            ) from error
        return text

    def _encode(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _spellings(self, word: str) -> tuple[int, ...]:
        # Found behind a real prompt: alone, some tokenizers put a space token before the word, or split it. The lead of
        # the answer is left out: behind it, as before it, a model may begin with the word or with a space and the word.
        prompt = self._render([{"role": "user", "content": _PROBE[self.facts.chat.style]}])
        start = self._encode(prompt)
        found = []
        for spelling in (word, f" {word}"):
            ids = self._encode(prompt + spelling)
            if len(ids) == len(start) + 1 and ids[:-1] == start:
                found.append(ids[-1])
        return tuple(dict.fromkeys(found))


def context_of(config: Any) -> int:
    """Most tokens of a prompt by a model's configuration.

    With "longrope" a prompt beyond the original context turns all its tokens by other angles, so what it shares with
    shorter prompts could not be computed once. Such prompts are refused: the limit is the original context.
    """
    longest = int(config.max_position_embeddings)
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") != "longrope":
        return longest
    return min(longest, int(rope.get("original_max_position_embeddings") or longest))


def check_room(facts: ModelFacts, problems: Iterable[Problem], wording: Wording) -> None:
    """Refuse problems that cannot fit a model's context, before its weights or tokenizer are there.

    A word takes one token at the least, so a prompt of more words than the context has tokens is too long for certain;
    the others are counted by the model's own tokenizer when they are encoded.

    Raises
    ------
    ModelError
        A prompt has more words than the context has tokens.
    """
    if not facts.context:
        return
    words = wording.for_base() if facts.chat.style == "base" else wording
    for problem in problems:
        n_words = sum(len(message["content"].split()) for message in words.messages(problem))
        if n_words > facts.context:
            raise ModelError(
                f"expected prompts of at most {facts.context} tokens for {facts.name}, found {n_words} words in that "
                f"of problem {problem.stimulus_id}: shorten it, or take a model with a longer context"
            )
