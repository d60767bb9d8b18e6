"""Word lists of the platform's own problems, kept in words.json.

Pseudowords take a plain "s" in the plural. No two adjectives or comparatives are opposites.
"""

import json
from importlib.resources import files

_LISTS: dict[str, list[str]] = json.loads(files(__package__).joinpath("words.json").read_text(encoding="utf-8"))

PSEUDOWORDS = tuple(_LISTS["pseudowords"])
NAMES = tuple(_LISTS["names"])
ADJECTIVES = tuple(_LISTS["adjectives"])
COMPARATIVES = tuple(_LISTS["comparatives"])
