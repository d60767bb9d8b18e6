"""Relational problems: four pictures by shape and texture; the last pair differs in one feature in either label."""

from dataclasses import dataclass

import numpy as np

from brainalign.stimuli.forms.drawing import draw
from brainalign.stimuli.pictures import SAME_FEATURE
from brainalign.stimuli.words import Vocabulary


@dataclass(frozen=True)
class PictureForm:
    """In which feature each pair of pictures differs.

    Attributes
    ----------
    first_by_shape, second_by_shape : bool
        A and B, or C and D, differ in shape rather than in texture.
    """

    first_by_shape: bool
    second_by_shape: bool

    @property
    def label(self) -> bool:
        """Both pairs differ in the same feature."""
        return self.first_by_shape == self.second_by_shape

    @property
    def category(self) -> str:
        """Name of the sub-type."""
        return f"{'shape' if self.first_by_shape else 'texture'}_{'true' if self.label else 'false'}"


PICTURE_FORMS = (
    PictureForm(True, True),
    PictureForm(True, False),
    PictureForm(False, False),
    PictureForm(False, True),
)
"""Twins stand side by side: they share their first two pictures."""


def write_pictures(form: PictureForm, words: Vocabulary, rng: np.random.Generator) -> tuple[list[str], str]:
    """Describe four pictures; no word of A and B comes again in C and D."""
    shapes, textures = iter(draw(words.shapes, 4, rng)), iter(draw(words.textures, 4, rng))
    described = []
    for by_shape in (form.first_by_shape, form.second_by_shape):
        shape, texture = next(shapes), next(textures)
        described.append((texture, shape))
        described.append((texture, next(shapes)) if by_shape else (next(textures), shape))
    premises = [
        f"Picture {name} is a {texture} {shape}" for name, (texture, shape) in zip("ABCD", described, strict=True)
    ]
    return premises, SAME_FEATURE
