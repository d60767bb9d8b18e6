"""Small real tokenizers, trained here in a fraction of a second, with the special tokens of each family.

Qwen, Phi and Llama 3 split bytes as GPT-2 does. Llama 2, Mistral and Gemma mark spaces as SentencePiece does, with
bytes for the letters that they do not know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from brainalign.zoo import chat_templates

VOCABULARY = 768
_SPACE = "▁"
_UNKNOWN = "<unk>"
_BYTES = tuple(f"<0x{value:02X}>" for value in range(256))


@dataclass(frozen=True)
class Conventions:
    """How a family writes chats."""

    template: str
    special: tuple[str, ...]
    begin: str | None
    end: str
    marks_spaces: bool = False


_GEMMA_TOKENS = ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>")
_LLAMA2 = Conventions(chat_templates.LLAMA, ("<s>", "</s>"), "<s>", "</s>", marks_spaces=True)
CONVENTIONS = {
    "llama": _LLAMA2,
    "llama2": _LLAMA2,
    "llama3": Conventions(
        chat_templates.LLAMA3,
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|begin_of_text|>",
        "<|eot_id|>",
    ),
    "mistral": Conventions(chat_templates.MISTRAL, ("<s>", "</s>"), "<s>", "</s>", marks_spaces=True),
    "qwen2": Conventions(chat_templates.QWEN2, ("<|endoftext|>", "<|im_start|>", "<|im_end|>"), None, "<|im_end|>"),
    "qwen3": Conventions(
        chat_templates.QWEN3,
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"),
        None,
        "<|im_end|>",
    ),
    "phi3": Conventions(
        chat_templates.PHI3,
        ("<|endoftext|>", "<|assistant|>", "<|user|>", "<|system|>", "<|end|>"),
        None,
        "<|end|>",
    ),
    "gemma2": Conventions(chat_templates.GEMMA2, _GEMMA_TOKENS, "<bos>", "<end_of_turn>", marks_spaces=True),
    "gemma3": Conventions(chat_templates.GEMMA3, _GEMMA_TOKENS, "<bos>", "<end_of_turn>", marks_spaces=True),
}


def build_tokenizer(kind: str) -> Any:
    """Train the tokenizer of a tiny model on the corpus below and give it the chat template of its like."""
    conventions = CONVENTIONS[kind]
    tokenizer = _marking_spaces(conventions) if conventions.marks_spaces else _splitting_bytes(conventions)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in conventions.special])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=conventions.begin,
        eos_token=conventions.end,
        pad_token=conventions.special[0],
        unk_token=_UNKNOWN if conventions.marks_spaces else None,
        chat_template=conventions.template,
    )


def _splitting_bytes(conventions: Conventions) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(conventions.special),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def _marking_spaces(conventions: Conventions) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token=_UNKNOWN, byte_fallback=True))
    marks = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="first")
    # As SentencePiece splits by script: no piece joins letters with punctuation or line breaks.
    punctuation = pre_tokenizers.Split(Regex(r"[^\w▁]"), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([marks, punctuation])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[*conventions.special, _UNKNOWN, *_BYTES],
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def corpus() -> Iterator[str]:
    """Sentences of the kind that prompts are made of; what is not in them is spelled by letters or bytes."""
    names = ("Anna", "Bram", "Cleo", "Dirk", "Esme", "Finn")
    for first, adjective, second in product(names, ("taller", "older", "faster", "kinder"), names):
        yield f"{first} is {adjective} than {second}. {first} is not {adjective} than {second}."
    for thing, adjective in product(("dax", "wug", "blicket", "norp"), ("red", "wide", "loud", "soft", "quiet")):
        yield f"All {thing}es are {adjective}. No {thing}es are {adjective}. Every {thing} is {adjective}."
        yield f"If something is a {thing}, then it is not {adjective}. This is a {thing}. Some are {adjective}."
    for _ in range(200):
        yield "Answer 'True' or 'False' at the beginning. True False\nTrue\n\nFalse\n'True'False\nTrueFalse"
    for _ in range(20):
        yield (
            "[INST] You are an expert in performing logical reasoning. I will present three four five six premises and "
            "one conclusion each round. Assume all premises are true. You should use deductive reasoning to determine "
            "if the conclusion can be drawn from the premises logically, otherwise it does not follow. Only answer "
            "'True' or 'False' at the beginning of the response. The premises describe relationships among imaginary "
            "characters, series of made-up words and adjectives with comparative forms. [/INST]\nPremises:\n1. 2. 3. "
            "4. 5. 6. \nConclusion:\nUnderstood. I will do my best and reply with one word. "
            "You are a helpful assistant.\n\nuser\nmodel\nsystem\nassistant\n"
        )
