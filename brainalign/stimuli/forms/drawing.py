"""Draw words without replacement, and put sentences in random order."""

from collections.abc import Sequence

import numpy as np


def draw(words: Sequence[str], n_words: int, rng: np.random.Generator) -> list[str]:
    """Draw different words."""
    return [words[place] for place in rng.choice(len(words), n_words, replace=False)]


def shuffled(sentences: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Put sentences in random order."""
    return [sentences[place] for place in rng.permutation(len(sentences))]
