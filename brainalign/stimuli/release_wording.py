"""Read the experiment's own wording from a release folder: its prompts file, or the string literals of its script.

The scripts are parsed, never run. Their literals are recognised by shape, since names and order may change:
instructions name an expert and the kind of words, the acknowledgement says "Understood", the layout numbers the
premises or the images.
"""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from brainalign.errors import DataNotFoundError, InputError
from brainalign.stimuli.wording import ChatTexts, Wording

PROMPTS_FILE = "prompts.json"
SCRIPT_FILE = "get_activations.py"
HCP_SCRIPT_FILE = "hcp_get_activations.py"
_HOLE = "%s"
_PICTURES = "relational"
_IMAGES = re.compile(
    "".join(rf"{number}\. Image {name}: %s\.\n" for number, name in enumerate("ABCD", start=1)) + r"(?P<question>\S.*)",
    re.S,
)
_TOPIC: dict[str, str] = {"syllogisms": "pseudowords", "transitive": "comparative"}


def release_wording(folder: Path | str) -> Wording:
    """Wording of the experiment, from ``prompts.json`` or else the literals of the scripts that put the problems.

    Of the scripts ``get_activations.py`` is needed; ``hcp_get_activations.py`` adds the texts of relational problems.

    Parameters
    ----------
    folder : Path or str
        Root of the release.

    Raises
    ------
    DataNotFoundError
        Neither ``prompts.json`` nor ``get_activations.py`` is there.
    InputError
        A file does not hold the texts, or holds several that differ.
    """
    prompts, script = Path(folder) / PROMPTS_FILE, Path(folder) / SCRIPT_FILE
    if prompts.is_file():
        return _from_prompts(prompts)
    if script.is_file():
        wording = _from_script(script)
        pictures = Path(folder) / HCP_SCRIPT_FILE
        return replace(wording, others={_PICTURES: _from_hcp_script(pictures)}) if pictures.is_file() else wording
    raise DataNotFoundError(
        f"expected {PROMPTS_FILE} or {SCRIPT_FILE} in {folder}, found neither: copy one of them there from the release"
    )


def _from_prompts(path: Path) -> Wording:
    try:
        prompts = json.loads(path.read_text(encoding="utf-8"))
        chat = prompts["chat"]
        texts = {str(name): str(text) for name, text in chat["instruction"].items()}
        acknowledgement, layout = str(chat["acknowledgement"]), str(chat["problem"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"expected 'chat' with 'instruction', 'acknowledgement' and 'problem' in {path}, found {error!r}: "
            f"restore the file, or remove it so that {SCRIPT_FILE} is read"
        ) from error
    wording = replace(_wording(path, texts, acknowledgement, layout), others=_further_types(path, prompts))
    return replace(wording, base=_for_base(path, prompts, wording))


def _for_base(path: Path, prompts: dict[str, Any], wording: Wording) -> Wording | None:
    """Texts for base models, where the file has them; types that it leaves out get the chat's texts put together."""
    if "base" not in prompts:
        return None
    try:
        texts = {str(name): str(text) for name, text in prompts["base"]["instruction"].items()}
        own = _wording(path, texts, "", str(prompts["base"]["problem"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"expected 'instruction' and 'problem' in 'base' of {path}, found {error!r}: restore the file"
        ) from error
    return replace(own, others=wording.for_base().others)


def _further_types(path: Path, prompts: dict[str, Any]) -> dict[str, ChatTexts]:
    """Texts of the types that were not heard in the scanner, as far as the file has them.

    Deduction in everyday language has no text of its own in the release; it is asked like propositional logic, with
    the number of premises put right.
    """
    others: dict[str, ChatTexts] = {}
    try:
        if "propositional" in prompts:
            texts = prompts["propositional"]
            layout = _split_layout(path, texts["problem"])
            instruction = _with_count(path, texts["instruction"])
            others["propositional"] = ChatTexts(instruction, texts["acknowledgement"], *layout)
            others["other"] = others["propositional"]
        if "hcp_relational" in prompts:
            texts = prompts["hcp_relational"]
            # The stop and line break of the last picture are the layout's here.
            question = texts["question"].removeprefix(".\n")
            others[_PICTURES] = _picture_texts(texts["instruction"], texts["acknowledgement"], question)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"expected 'instruction', 'acknowledgement' and 'problem' or 'question' in each part of {path}, found "
            f"{error!r}: restore the file"
        ) from error
    return others


def _picture_texts(instruction: str, acknowledgement: str, question: str) -> ChatTexts:
    return ChatTexts(
        _with_features(instruction), acknowledgement, "", "{number}. {sentence}.\n", _with_features(question)
    )


def _with_features(text: str) -> str:
    """Let the features of other pictures take the places of shape and texture."""
    return re.sub(r"\bshape(s?)\b", r"{first\1}", re.sub(r"\btexture(s?)\b", r"{second\1}", text))


def _from_hcp_script(path: Path) -> ChatTexts:
    literals = _script_literals(path)
    instructions = [text for text in literals if text.startswith("You are an expert") and "images" in text]
    acknowledgements = [text for text in literals if text.startswith("Understood") and "True" in text]
    matches = [_IMAGES.fullmatch(text) for text in literals]
    questions = [match["question"] for match in matches if match]
    return _picture_texts(
        _only(instructions, "instruction about images", path),
        _only(acknowledgements, "acknowledgement", path),
        _only(questions, "layout of four images and a question", path),
    )


def _script_literals(path: Path) -> list[str]:
    try:
        return list(dict.fromkeys(_literals(ast.parse(path.read_text(encoding="utf-8")))))
    except (SyntaxError, ValueError) as error:
        raise InputError(f"expected Python source in {path}, found {error}: restore the release's script") from error


def _from_script(path: Path) -> Wording:
    literals = _script_literals(path)
    instructions = [text for text in literals if text.startswith("You are an expert")]
    texts = {
        name: _only([text for text in instructions if topic in text], f"instruction about {topic}", path)
        for name, topic in _TOPIC.items()
    }
    acknowledgements = [text for text in literals if text.startswith("Understood") and "True" in text]
    layouts = [text for text in literals if text.startswith("Premises") and "1." in text and "onclusion" in text]
    return _wording(path, texts, _only(acknowledgements, "acknowledgement", path), _only(layouts, "layout", path))


def _only(found: list[str], what: str, path: Path) -> str:
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"expected one {what} among the string literals of {path}, found {len(found)}: "
        f"put the texts into a {PROMPTS_FILE} beside it"
    )


def _literals(node: ast.AST) -> Iterator[str]:
    """All string literals, the pieces of one expression put together, with ``%s`` where a value goes."""
    text = _text(node)
    if text is not None:
        yield text
        return
    for child in ast.iter_child_nodes(node):
        yield from _literals(child)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or _HOLE for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _text(node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else (left or _HOLE) + (right or _HOLE)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        text = _text(node.func.value)
        return None if text is None else re.sub(r"\{\w*\}", _HOLE, text)
    return None


def _wording(path: Path, texts: dict[str, str], acknowledgement: str, layout: str) -> Wording:
    """Turn texts for three premises into texts for any number of them."""
    heading, premise, conclusion = _split_layout(path, layout)
    instructions = {name: _with_count(path, text) for name, text in texts.items()}
    return Wording("release", instructions, acknowledgement, heading, premise, conclusion)


def _with_count(path: Path, text: str) -> str:
    counted, n_counts = re.subn(rf"\b(?:[Tt]wo|[Tt]hree)(?= premises)|{_HOLE}(?= premises)", _count_hole, text)
    if n_counts != 1:
        raise InputError(
            f"expected 'three premises' once in each instruction of {path}, found {n_counts} times: restore the file"
        )
    return counted


def _count_hole(number: re.Match[str]) -> str:
    return "{Count}" if number[0].istitle() else "{count}"


def _split_layout(path: Path, layout: str) -> tuple[str, str, str]:
    match = re.fullmatch(r"(?P<heading>.*?)(?P<premises>1\D*%s.*?)(?P<conclusion>Conclusion.*%s.*)", layout, re.S)
    if match:
        blank = match["premises"].partition(_HOLE)[0].removeprefix("1")
        ending = match["premises"].partition(_HOLE)[2].partition("2")[0]
        premise = "{number}" + blank + "{sentence}" + ending
        numbers = [str(number) for number in range(1, 1 + match["premises"].count(_HOLE))]
        rebuilt = "".join(premise.replace("{number}", n).replace("{sentence}", _HOLE) for n in numbers)
        if rebuilt == match["premises"]:
            return match["heading"], premise, match["conclusion"].replace(_HOLE, "{sentence}")
    raise InputError(
        f"expected a layout of numbered premises and a conclusion in {path}, found {layout!r}: restore the file"
    )
