"""Decide relational problems: four pictures by two features, and whether C and D differ where A and B do."""

import re
from collections.abc import Sequence

from brainalign.errors import InputError
from brainalign.stimuli.problems import clean_sentence

_PLAIN = re.compile(r"Picture (?P<name>[A-D]) is an? (?P<second>\S+) (?P<first>\S+)", re.I)
_NAMED = re.compile(
    r"(?:Image|Picture) (?P<name>[A-D]): (?P<one>\w+) is (?P<first>\w+); (?P<two>\w+) is (?P<second>\w+)", re.I
)
SAME_FEATURE = "Pictures C and D differ in the same feature as pictures A and B"
"""Conclusion of a relational problem in the platform's own words."""


def feature_names(premises: Sequence[str]) -> tuple[str, str]:
    """Names of the two features, as the sentences say them ("shape" and "texture" where they do not)."""
    match = _NAMED.fullmatch(clean_sentence(premises[0]))
    return (match["one"].lower(), match["two"].lower()) if match else ("shape", "texture")


def read_pictures(premises: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Read the two features of each picture, by the picture's letter.

    Raises
    ------
    InputError
        A sentence that describes no picture.
    """
    return dict(_read(premise) for premise in premises)


def pictures_agree(premises: Sequence[str]) -> bool:
    """Tell whether pictures C and D differ in the one feature in which A and B differ.

    Raises
    ------
    InputError
        A sentence that describes no picture, a picture that is missing, or A and B that do not differ in one feature.
    """
    pictures = read_pictures(premises)
    if sorted(pictures) != list("ABCD") or len(premises) != 4:
        raise InputError(f"expected pictures A, B, C and D, found {sorted(pictures)}: describe each of them once")
    differing = [place for place in (0, 1) if pictures["A"][place] != pictures["B"][place]]
    if len(differing) != 1:
        raise InputError(
            f"expected pictures A and B that differ in one feature, found {len(differing)} in {list(premises)}: "
            "which feature is asked about would be open"
        )
    (place,) = differing
    return pictures["C"][place] != pictures["D"][place]


def _read(sentence: str) -> tuple[str, tuple[str, str]]:
    text = clean_sentence(sentence)
    match = _NAMED.fullmatch(text) or _PLAIN.fullmatch(text)
    if match is None:
        raise InputError(
            f"expected 'Picture A is a striped star' or 'Image A: shape is star; texture is stripes', found {text!r}: "
            "only these forms can be decided"
        )
    return match["name"].upper(), (match["first"].lower(), match["second"].lower())
