"""Download a model from the hub: resumable, at one commit, with what the hub says its files hash to."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,  # of the transport, which is another package in each version
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from brainalign.errors import ModelError
from brainalign.zoo.facts import ModelFacts
from brainalign.zoo.model_files import is_wanted
from brainalign.zoo.places import access

N_AT_ONCE = 4
_TIMEOUT_S = 30.0
_COMMIT_MARK = ".commit"


def download(facts: ModelFacts, folder: Path) -> tuple[str, dict[str, str]]:
    """Download a model's files into a folder that may hold some of them, or parts of them, already.

    ``HF_TOKEN`` opens gated repositories, ``HF_ENDPOINT`` names another hub. The client's own `snapshot_download`
    begins a file anew after a break; here its bytes stay, and the next call asks for the rest of them.

    Returns
    -------
    commit : str
        What the revision stands for now; all files are of this commit.
    hashes : dict of str to str
        SHA-256 of the large files.

    Raises
    ------
    ModelError
        No network, no access, no such revision, no room.
    """
    endpoint = _endpoint()
    with _explained(facts, endpoint):
        info = HfApi(endpoint=endpoint).model_info(
            str(facts.hub_id), revision=facts.revision, files_metadata=True, timeout=_TIMEOUT_S
        )
        files = [file for file in info.siblings or [] if is_wanted(file.rfilename)]
        _require_room(facts, folder, files)
        _drop_other_commit(folder, str(info.sha))
        with ThreadPoolExecutor(N_AT_ONCE) as pool:
            urls = [
                hf_hub_url(str(facts.hub_id), file.rfilename, revision=info.sha, endpoint=endpoint) for file in files
            ]
            for future in [
                pool.submit(_download_file, url, folder / file.rfilename) for url, file in zip(urls, files, strict=True)
            ]:
                future.result()
    return str(info.sha), {file.rfilename: file.lfs.sha256 for file in files if file.lfs is not None}


def _download_file(url: str, target: Path) -> None:
    """Fetch a file, or the rest of it."""
    metadata = get_hf_file_metadata(url)
    headers = build_hf_headers()
    if urlparse(metadata.location).netloc != urlparse(url).netloc:
        # The storage behind the hub has signed addresses; the token is the hub's alone.
        headers.pop("authorization", None)
    kept = target.stat().st_size if target.is_file() else 0
    if metadata.size is not None and kept > metadata.size:
        kept = 0
    with target.open("r+b" if kept else "wb") as handle:
        handle.seek(kept)
        http_get(metadata.location, handle, resume_size=kept, headers=headers, expected_size=metadata.size)


def _drop_other_commit(folder: Path, commit: str) -> None:
    """Forget what an earlier try fetched of another commit: the branch has moved since."""
    mark = folder / _COMMIT_MARK
    if mark.is_file() and mark.read_text(encoding="utf-8") != commit:
        for path in folder.iterdir():
            if is_wanted(path.name):
                path.unlink()
    mark.write_text(commit, encoding="utf-8")


def _require_room(facts: ModelFacts, folder: Path, files: list[Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    there = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    needed = sum(file.size or 0 for file in files) - there
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ModelError(
            f"expected {needed / 1e9:.1f} GB of room for {facts.name} in {folder.parent}, found {free / 1e9:.1f}: "
            "free some or set BRAINALIGN_CACHE"
        )


def _endpoint() -> str:
    return str(os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


@contextmanager
def _explained(facts: ModelFacts, where: str) -> Iterator[None]:
    """Turn the hub's errors into one line with the way out."""
    repository = facts.hub_id
    try:
        yield
    except GatedRepoError as error:
        raise ModelError(
            f"expected access to {repository}, found that it is gated: accept its licence at {where}/{repository} with "
            "your account, then set HF_TOKEN to a token of it"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(
            f"expected the revision {facts.revision!r} of {repository}, found none such at {where}: take a branch, "
            "tag or full commit that is listed there"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"expected {repository} at {where}, found no such repository or no access: check HF_ENDPOINT"
            f"{access(facts).replace(' after', ', and fetch after') or ' and HF_TOKEN'}"
        ) from error
    except HfHubHTTPError as error:
        raise ModelError(
            f"expected {where} to give {repository}, found: {_line(error)}; try again: it goes on where it stopped"
        ) from error
    except (OfflineModeIsEnabled, LocalEntryNotFoundError, HTTPError) as error:
        raise ModelError(
            f"expected to reach {where}, found: {_line(error)}; fetch where there is a network (what has arrived is "
            f"kept), name a mirror in HF_ENDPOINT, or run `brainalign zoo fetch {facts.name} --from FOLDER`"
        ) from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
