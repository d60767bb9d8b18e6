"""Word lists of the platform's own problems, kept in words.json: four vocabularies that share no word.

Pseudowords take a plain "s" in the plural. No two adjectives or comparatives of a vocabulary are opposites.
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, get_args

from brainalign.errors import InputError

VocabularyName = Literal["simulation", "train", "validation", "test"]
VOCABULARIES: tuple[VocabularyName, ...] = get_args(VocabularyName)


@dataclass(frozen=True)
class Vocabulary:
    """Words of one kind each.

    Attributes
    ----------
    pseudowords, names, adjectives, comparatives : tuple of str
        For rules, facts and comparisons.
    shapes, textures : tuple of str
        For pictures.
    """

    pseudowords: tuple[str, ...]
    names: tuple[str, ...]
    adjectives: tuple[str, ...]
    comparatives: tuple[str, ...]
    shapes: tuple[str, ...]
    textures: tuple[str, ...]


_LISTS: dict[str, dict[str, list[str]]] = json.loads(
    files(__package__).joinpath("words.json").read_text(encoding="utf-8")
)
_BY_NAME = {name: Vocabulary(**{kind: tuple(words) for kind, words in _LISTS[name].items()}) for name in VOCABULARIES}


def words_of(name: str) -> Vocabulary:
    """Words of a vocabulary: "simulation" for simulated betas, and one for each part of a transfer experiment.

    Raises
    ------
    InputError
        There is no such vocabulary.
    """
    if name not in VOCABULARIES:
        raise InputError(f"expected a vocabulary of {', '.join(VOCABULARIES)}, found {name!r}: take one of them")
    return _BY_NAME[name]
