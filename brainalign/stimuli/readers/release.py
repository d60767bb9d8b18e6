"""Items of the public release: generated problems, pictures by two features, and the stimuli of the second data set."""

from collections.abc import Mapping
from typing import Any

from brainalign.errors import InputError
from brainalign.stimuli.problems import Problem, ReasoningType
from brainalign.stimuli.readers.records import Record

_TYPES: tuple[ReasoningType, ...] = ("syllogisms", "transitive", "propositional")
_CORNERS = {"A": "TopLeft", "B": "TopRight", "C": "BottomLeft", "D": "BottomRight"}
_SHAPES = ("circle", "cross", "triangle", "square", "star", "hexagon")
_TEXTURES = ("ring_dots", "angular_ticks", "zigzag_dashes", "solid_blocks", "knot_weave", "swirl_hooks")
_ASKED = "Image C and Image D also differ in the attribute in which Image A and Image B differ"


def deductive_problem(record: Record) -> Problem:
    """Read an item of ``deductive_reasoning_data_*.json``, with all of its premises.

    Raises
    ------
    InputError
        The list it stands in names no reasoning type, or its trial type says neither true nor false.
    """
    if record.group not in _TYPES:
        raise InputError(f"expected lists named {', '.join(_TYPES)}, found {record.place}: rename the list")
    category = record.text("trial_type")
    if ("true" in category) == ("false" in category):
        raise InputError(
            f"expected 'true' or 'false' in the field 'trial_type' of {record.place}, found {category!r}: "
            "correct the answer key or leave the item out"
        )
    endings = [name.removeprefix("premise") for name in record.fields if name.startswith("premise")]
    n_premises = max((int(ending) for ending in endings if ending.isdigit()), default=1)
    premises = [record.text(f"premise{number}") for number in range(1, n_premises + 1)]
    return Problem.of(record.group, premises, record.text("conclusion"), label="true" in category, category=category)


def picture_problem(record: Record) -> Problem:
    """Read an item of ``relational_*.jsonl``: four pictures by two named features."""
    attributes = record.texts("active_attributes")
    premises = [_picture(record, name, attributes) for name in _CORNERS]
    return Problem.of(
        "relational", premises, _ASKED, label=record.key("label"), category=str(record.fields.get("category", ""))
    )


def scanner_picture_problem(record: Record) -> Problem | None:
    """Read an item of ``stimuli_mapping_final.jsonl``; None for practice and for stimuli that are no problem."""
    name = record.text("stimulus_file")
    if record.value("n_objects") != len(_CORNERS) or ("_YES_" in name) == ("_NO_" in name):
        return None
    named = {
        corner: {
            "shape": _named(record, _SHAPES, ids, "shape_id"),
            "texture": _named(record, _TEXTURES, ids, "texture_id"),
        }
        for corner, ids in record.value("positions").items()
    }
    described = Record(record.place, {"positions": named})
    premises = [_picture(described, letter, ["shape", "texture"]) for letter in _CORNERS]
    category = name.rpartition("/")[2].partition(".")[0]
    return Problem.of("relational", premises, _ASKED, label="_YES_" in name, category=category)


def _picture(record: Record, name: str, attributes: list[str]) -> str:
    corner = record.value("positions").get(_CORNERS[name], {})
    missing = [attribute for attribute in attributes if not corner.get(attribute)]
    if missing or len(attributes) != 2:
        raise InputError(
            f"expected two attributes of {_CORNERS[name]} in {record.place}, found {corner}: name both of {attributes}"
        )
    first, second = attributes
    return f"Image {name}: {first} is {corner[first]}; {second} is {corner[second]}"


def _named(record: Record, names: tuple[str, ...], ids: Mapping[str, Any], kind: str) -> str:
    number = ids.get(kind)
    if not isinstance(number, int) or not 1 <= number <= len(names):
        raise InputError(f"expected {kind} of 1 to {len(names)} in {record.place}, found {number!r}: correct it")
    return names[number - 1]
