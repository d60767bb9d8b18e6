"""The words around a problem: instruction, acknowledgement and the layout of premises and conclusion."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from brainalign.artifacts import hash_json
from brainalign.errors import InputError
from brainalign.stimuli.pictures import feature_names
from brainalign.stimuli.problems import REASONING_TYPES, Problem

# fmt: off
_COUNT_WORDS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)
# fmt: on


@dataclass(frozen=True)
class ChatTexts:
    """Texts of a chat of three messages for one reasoning type, or of one text that a base model continues.

    Attributes
    ----------
    instruction : str
        ``{count}`` stands for the number of premises as a word, ``{Count}`` for the same with a capital; ``{first}``
        and ``{second}``, here and in `conclusion`, for the two features of pictures, ``{firsts}`` and ``{seconds}`` for
        their plurals.
    acknowledgement : str
        What the assistant says to the instruction; empty where instruction and problem are one text.
    heading : str
        What stands before the premises.
    premise : str
        One premise; ``{number}`` counts from 1, ``{sentence}`` is the premise without a full stop.
    conclusion : str
        What follows the premises; ``{sentence}`` is the conclusion without a full stop. A text without it asks the
        question itself.
    """

    instruction: str
    acknowledgement: str
    heading: str
    premise: str
    conclusion: str

    def __post_init__(self) -> None:
        if not self.instruction or "{sentence}" not in self.premise or not self.conclusion:
            raise InputError(
                f"expected an instruction, {{sentence}} in the layout of a premise and a question, found "
                f"{self.instruction!r}, {self.premise!r} and {self.conclusion!r}: say where the sentence goes"
            )

    def messages(self, problem: Problem) -> list[dict[str, str]]:
        """Chat that puts a problem to a model; one message if nothing is acknowledged."""
        instruction = _with_features(_with_count(self.instruction, len(problem.premises)), problem)
        if not self.acknowledgement:
            return [{"role": "user", "content": instruction + self._body(problem)}]
        return [
            {"role": "user", "content": instruction},
            {"role": "assistant", "content": self.acknowledgement},
            {"role": "user", "content": self._body(problem)},
        ]

    def for_base(self) -> "ChatTexts":
        """Give the same words as one text that ends where the answer begins."""
        return replace(
            self,
            instruction=f"{self.instruction}\n\n",
            acknowledgement="",
            conclusion=f"{self.conclusion}\nAnswer:\n",
        )

    def _body(self, problem: Problem) -> str:
        premises = [
            self.premise.replace("{number}", str(number)).replace("{sentence}", sentence)
            for number, sentence in enumerate(problem.premises, start=1)
        ]
        question = _with_features(self.conclusion, problem).replace("{sentence}", problem.conclusion)
        return self.heading + "".join(premises) + question


@dataclass(frozen=True)
class Wording:
    """Texts of the chats, by reasoning type; the scanner's two types share all but the instruction.

    Attributes
    ----------
    source : {"release", "brainalign"}
        Whose words these are.
    instructions : mapping of reasoning type to str
        For the two types of the scanner; ``{count}`` stands for the number of premises as a word.
    acknowledgement, heading, premise, conclusion : str
        As in `ChatTexts`.
    others : mapping of reasoning type to ChatTexts
        Texts of further types.
    base : Wording, optional
        The experiment's own texts for base models, where it has some.
    """

    source: Literal["release", "brainalign"]
    instructions: Mapping[str, str]
    acknowledgement: str
    heading: str
    premise: str
    conclusion: str
    others: Mapping[str, ChatTexts] = field(default_factory=dict)
    base: "Wording | None" = None

    def __post_init__(self) -> None:
        missing = [name for name in REASONING_TYPES if not self.instructions.get(name)]
        if missing:
            raise InputError(f"expected an instruction for each of {REASONING_TYPES}, found none for {missing}: add it")
        if "{sentence}" not in self.premise or "{sentence}" not in self.conclusion:
            raise InputError(
                f"expected {{sentence}} in the layout of premises and conclusion, found {self.premise!r} and "
                f"{self.conclusion!r}: say where the sentence goes"
            )

    def texts(self, reasoning_type: str) -> ChatTexts:
        """Texts of one reasoning type.

        Raises
        ------
        InputError
            The wording has none for this type.
        """
        if reasoning_type in self.instructions:
            task = self.instructions[reasoning_type]
            return ChatTexts(task, self.acknowledgement, self.heading, self.premise, self.conclusion)
        if reasoning_type not in self.others:
            known = ", ".join([*self.instructions, *self.others])
            raise InputError(
                f"expected texts for problems of type {reasoning_type!r} in the {self.source} wording, found those of "
                f"{known}: use brainalign's own wording, which has all types"
            )
        return self.others[reasoning_type]

    def messages(self, problem: Problem) -> list[dict[str, str]]:
        """Chat that puts a problem to a model, without a system message (the model's template adds its own).

        Raises
        ------
        InputError
            The wording has no texts for problems of this type.
        """
        return self.texts(problem.reasoning_type).messages(problem)

    def for_base(self) -> "Wording":
        """Texts for a base model, which continues one text: the experiment's own, else the chat's put together."""
        if self.base is not None:
            return self.base
        kinds = {name: self.texts(name).for_base() for name in self.instructions}
        common = next(iter(kinds.values()))
        return replace(
            self,
            instructions={name: texts.instruction for name, texts in kinds.items()},
            acknowledgement=common.acknowledgement,
            conclusion=common.conclusion,
            others={name: texts.for_base() for name, texts in self.others.items()},
        )

    @cached_property
    def content_hash(self) -> str:
        """Hash of the texts around the scanner's problems; whose they are does not matter to a result."""
        texts = [self.acknowledgement, self.heading, self.premise, self.conclusion]
        return hash_json({"instructions": dict(self.instructions), "texts": texts})

    def hash_of(self, reasoning_types: Iterable[str]) -> str:
        """Hash of the texts of some reasoning types: the key of a result on problems of these types.

        Raises
        ------
        InputError
            The wording has no texts for one of them.
        """
        return hash_json(
            {name: list(vars(self.texts(name)).values()) for name in sorted({str(name) for name in reasoning_types})}
        )


def _with_count(instruction: str, n_premises: int) -> str:
    word = _COUNT_WORDS[n_premises] if n_premises < len(_COUNT_WORDS) else str(n_premises)
    if n_premises == 1:
        instruction = instruction.replace("ount} premises", "ount} premise")
    return instruction.replace("{count}", word).replace("{Count}", word.capitalize())


def _with_features(text: str, problem: Problem) -> str:
    if "{first" not in text and "{second" not in text:
        return text
    for place, feature in zip(("first", "second"), feature_names(problem.premises), strict=True):
        plural = f"{feature.removesuffix('y')}ies" if feature.endswith("y") else f"{feature}s"
        text = text.replace(f"{{{place}s}}", plural).replace(f"{{{place}}}", feature)
    return text


def own_wording() -> Wording:
    """Words of the platform itself, used wherever the release's are not there."""
    verdict = "Say 'True' if %s and 'False' if it does not. Start your response with 'True' or 'False' only."
    task = (
        "You are good at logic. Each round gives you {count} premises and a conclusion. %s Take every premise to be"
        " true. Work out whether the conclusion follows from the premises. " + verdict % "the conclusion follows"
    )
    acknowledgement = (
        "All right. I will work out whether the conclusion follows from the premises, and start my response with 'True'"
        " or 'False' only."
    )
    layout = ("Premises:\n", "{number}. {sentence}.\n", "Conclusion:\n{sentence}.")
    pictures = ChatTexts(
        instruction=(
            "You are good at comparing things. Each round describes {count} pictures, each by two features. Pictures A"
            " and B differ in one feature only. Work out whether pictures C and D differ in that same feature. "
            + verdict
            % "the last statement holds"
        ),
        acknowledgement="All right. I will compare the pictures, and start my response with 'True' or 'False' only.",
        heading="Pictures:\n",
        premise="{number}. {sentence}.\n",
        conclusion="Statement:\n{sentence}.",
    )
    return Wording(
        source="brainalign",
        instructions={
            "syllogisms": task % "The premises link made-up words with properties.",
            "transitive": task % "The premises compare imaginary people with one another.",
        },
        acknowledgement=acknowledgement,
        heading=layout[0],
        premise=layout[1],
        conclusion=layout[2],
        others={
            "propositional": ChatTexts(
                task % "The premises join simple statements with words such as 'if' and 'or'.", acknowledgement, *layout
            ),
            "relational": pictures,
            "other": ChatTexts(task % "The premises are statements in plain language.", acknowledgement, *layout),
        },
    )
