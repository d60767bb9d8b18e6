"""Where a published model's files are: fetched by the platform, or by others into the hub's own cache."""

from pathlib import Path

from brainalign.errors import ModelError
from brainalign.zoo.cache import models_folder
from brainalign.zoo.facts import ModelFacts
from brainalign.zoo.model_files import WANTED


def fetched_folder(facts: ModelFacts, cache: Path | None = None) -> Path:
    """Folder that :mod:`brainalign.zoo.fetch` fills for a model and its revision."""
    name = facts.name.partition("@")[0]
    return models_folder(cache) / f"{name}@{facts.revision.replace('/', '--')}"


def find_folder(facts: ModelFacts, cache: Path | None = None) -> Path:
    """Find a model's files without the network.

    Raises
    ------
    ModelError
        There are none.
    """
    folder = fetched_folder(facts, cache)
    if folder.is_dir():
        return folder
    cached = _in_hub_cache(facts)
    if cached is not None:
        return cached
    raise ModelError(
        f"expected the weights of {facts.name} (revision {facts.revision}) in {folder} or in the hub's cache, found "
        f"none: run `brainalign zoo fetch {facts.name}`{access(facts)}, or where there is no network "
        f"`brainalign zoo fetch {facts.name} --from FOLDER`"
    )


def access(facts: ModelFacts) -> str:
    """Say what a gated model asks for first."""
    if not facts.gated:
        return ""
    return f" after accepting its licence at https://huggingface.co/{facts.hub_id} and setting HF_TOKEN"


def _in_hub_cache(facts: ModelFacts) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    if facts.hub_id is None:
        return None
    try:
        found = snapshot_download(
            facts.hub_id, revision=facts.revision, local_files_only=True, allow_patterns=list(WANTED)
        )
    except LocalEntryNotFoundError:
        return None
    return Path(found) if (Path(found) / "config.json").is_file() else None
