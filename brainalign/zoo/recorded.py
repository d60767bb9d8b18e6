"""Configurations that the package records, so that sizes and counts are known without a hub. Imports nothing heavy."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from brainalign.errors import ModelError

FILE = "recorded.json"


@dataclass(frozen=True)
class Recorded:
    """Facts of one published model, written down by hand from its configuration, tokenizer and generation settings.

    Attributes
    ----------
    hub_id : str
        The repository.
    n_parameters : int
        The published count.
    stop_ids : tuple of int
        Tokens that end an answer.
    prompt_end : tuple of int or None
        Last tokens of a prompt that the chat template ends; None for a base model, or where they were not seen.
    answer_ids : pair of tuples of int, or None
        Tokens of True and of False behind a prompt, without and with a space.
    unverified : tuple of str
        What rests on memory or on indirect evidence.
    config : dict
        Attributes of the configuration of transformers.
    """

    hub_id: str
    n_parameters: int
    stop_ids: tuple[int, ...]
    prompt_end: tuple[int, ...] | None
    answer_ids: tuple[tuple[int, ...], tuple[int, ...]] | None
    unverified: tuple[str, ...]
    config: dict[str, Any]

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        width = self.config.get("head_dim") or self.config["hidden_size"] // self.config["num_attention_heads"]
        return int(width)


@cache
def _all() -> dict[str, Recorded]:
    rows = json.loads((files("brainalign.zoo") / FILE).read_text(encoding="utf-8"))
    return {name: _read(row) for name, row in rows.items()}


def _read(row: dict[str, Any]) -> Recorded:
    answers, end = row["answer_ids"], row["prompt_end"]
    return Recorded(
        hub_id=row["hub_id"],
        n_parameters=row["n_parameters"],
        stop_ids=tuple(row["stop_ids"]),
        prompt_end=None if end is None else tuple(end),
        answer_ids=None if answers is None else (tuple(answers["True"]), tuple(answers["False"])),
        unverified=tuple(row["unverified"]),
        config=row["config"],
    )


def recorded(name: str) -> Recorded:
    """Facts of a published model by its name in the registry.

    Raises
    ------
    ModelError
        Nothing is recorded under that name.
    """
    if name not in _all():
        raise ModelError(f"expected a recorded model ({', '.join(_all())}), found {name!r}: add it to {FILE}")
    return _all()[name]
