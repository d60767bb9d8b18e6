"""The tokenizer of the nano family: one token a phrase, one token a word.

The phrases are what the platform's own problems are made of: its instructions, the words around premises, and the small
words of its sentences ("All ", " is not ", " than "). Any other word is known by its first and third letter alone, in
small letters: "Daphne" is "dp", and "bidrim" and "bidrims" are both "bd". So no word is unknown, whatever it is called,
every symbol is trained, and a problem is a few dozen tokens; but words that share these letters are one to the model.
"""

from functools import lru_cache
from itertools import product
from string import ascii_lowercase, digits, punctuation
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from brainalign.stimuli.wording import own_wording

END, USER, ASSISTANT, UNKNOWN = "<|end|>", "<|user|>", "<|assistant|>", "<|unknown|>"
SPECIAL = (END, USER, ASSISTANT, UNKNOWN)
SYMBOLS = tuple(map("".join, product(ascii_lowercase, repeat=2)))
COUNTS = ("three", "four", "five", "six")
JOINTS = (
    "Premises:\n1. ",
    *(f".\n{number}. " for number in range(2, 7)),
    ".\nConclusion:\n",
    "All ",
    " are ",
    " things are ",
    " is ",
    " is a ",
    " is not ",
    " is not a ",
    " than ",
)
_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_SECOND_LETTER = Regex(r"(?<=\b[a-z])[a-z](?=[a-z])")
_FURTHER_LETTERS = Regex(r"(?<=\b[a-z]{2})[a-z]+")


def phrases() -> tuple[str, ...]:
    """Texts that are one token each."""
    wording = own_wording()
    halves = [half for kind in ("syllogisms", "transitive") for half in wording.instructions[kind].split("{count}")]
    return tuple(dict.fromkeys([*halves, *COUNTS, wording.acknowledgement, *JOINTS, "True", "False"]))


@lru_cache(maxsize=1)
def build_tokenizer() -> Any:
    """Put the tokenizer together."""
    vocabulary = (*SPECIAL, *SYMBOLS, *ascii_lowercase, *digits, *punctuation)
    model = models.WordLevel({text: number for number, text in enumerate(vocabulary)}, unk_token=UNKNOWN)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), normalizers.Replace(_SECOND_LETTER, ""), normalizers.Replace(_FURTHER_LETTERS, "")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("[^a-z]"), behavior="isolated")]
    )
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in phrases()])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END,
        unk_token=UNKNOWN,
        chat_template=_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def symbol(word: str) -> str:
    """Give the symbol by which a word is known."""
    small = word.lower()
    return small if len(small) < 3 else small[0] + small[2]
