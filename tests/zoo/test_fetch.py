"""Fetching: from a hub on loopback, shared folders and fsspec addresses; whole or not at all."""

import hashlib
import shutil
from pathlib import Path

import fsspec
import numpy as np
import pytest
import torch

from brainalign.errors import ModelError
from brainalign.zoo import ModelFacts, load_model, model_facts
from brainalign.zoo.fetch import fetch_model
from brainalign.zoo.model_files import SIDECAR, Sidecar
from brainalign.zoo.places import find_folder
from tests.zoo.hub_server import COMMIT, REPOSITORY, Hub, serving
from tests.zoo.published_folders import add_row, save_published

TINY = "tiny-random-qwen2"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_published(TINY, tmp_path_factory.mktemp("repository"), shard="300KB")


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModelFacts:
    """A row for the repository, and a cache of its own."""
    monkeypatch.setenv("BRAINALIGN_CACHE", str(tmp_path / "cache"))
    for name in ("HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    return add_row(monkeypatch, TINY)


def folders(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache" / "models").iterdir() if path.is_dir())


def same_weights(name: str) -> None:
    found, expected = load_model(name), load_model(TINY)
    for (key, weight), (_, other) in zip(
        found.module.named_parameters(), expected.module.named_parameters(), strict=True
    ):
        assert torch.equal(weight, other), key


def test_from_the_hub_at_one_commit_with_hashes(
    facts: ModelFacts, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Hub(repository)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        found = fetch_model(facts)
        assert fetch_model(facts).was_there
    assert not found.was_there
    assert found.sidecar.commit == COMMIT
    assert folders(tmp_path) == ["acme-tiny@main"]
    kept = {path.name for path in found.folder.iterdir()}
    assert {"config.json", "tokenizer.json", SIDECAR, "model.safetensors.index.json"} <= kept
    assert not {"README.md", "consolidated.00.safetensors", ".cache", ".source"} & kept
    shards = sorted(found.folder.glob("*.safetensors"))
    assert len(shards) > 1
    for shard in shards:
        assert found.sidecar.files[shard.name][1] == hashlib.sha256(shard.read_bytes()).hexdigest()
    same_weights(facts.name)
    assert (load_model(facts.name).weights_hash) == load_model(facts.name).weights_hash
    assert load_model(facts.name).weights_hash != load_model(facts.name, dtype="bfloat16").weights_hash


def test_a_broken_off_download_goes_on(
    facts: ModelFacts, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The client writes by chunks of 10 MB, more than a tiny model has.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)
    with serving(Hub(repository, cut_after=100_000)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        with pytest.raises(ModelError, match=r"try again: it goes on where it stopped"):
            fetch_model(facts)
        assert folders(tmp_path) == [".acme-tiny@main.part"]
        with pytest.raises(ModelError, match="run `brainalign zoo fetch acme-tiny`"):
            load_model(facts.name)
        hub.cut_after, hub.is_down = None, False
        hub.ranges.clear()
        fetch_model(facts)
        assert any(start > 0 for name, start in hub.ranges if name.endswith(".safetensors"))
    assert folders(tmp_path) == ["acme-tiny@main"]
    same_weights(facts.name)


def test_damage_on_the_way_is_noticed_by_the_hash(
    facts: ModelFacts, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = sorted(path.name for path in repository.glob("model-*.safetensors"))[0]
    with serving(Hub(repository, damage=name)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        with pytest.raises(ModelError, match=rf"expected {name} with SHA-256 .* damaged on the way, fetch again"):
            fetch_model(facts)
        assert folders(tmp_path) == [".acme-tiny@main.part"]
        hub.damage = None
        fetch_model(facts)
    same_weights(facts.name)


def test_gated_models_say_how_to_get_access(
    facts: ModelFacts, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Hub(repository, token="hf_secret")) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        with pytest.raises(
            ModelError, match=r"acme/tiny, found that it is gated: accept its licence at .* set HF_TOKEN"
        ):
            fetch_model(facts)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        assert fetch_model(facts).sidecar.commit == COMMIT


def test_wrong_revisions_and_repositories_are_named(
    facts: ModelFacts, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Hub(repository)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        with pytest.raises(ModelError, match="expected the revision 'v9' of acme/tiny, found none such"):
            fetch_model(model_facts("acme-tiny@v9"))
        pinned = fetch_model(model_facts(f"acme-tiny@{COMMIT}"))
        assert (pinned.sidecar.revision, pinned.folder.name) == (COMMIT, f"acme-tiny@{COMMIT}")
        other = add_row(monkeypatch, TINY, name="nobody")
        with pytest.raises(ModelError, match=r"expected nobody/none at .* found no such repository or no access"):
            fetch_model(ModelFacts(**{**vars(other), "hub_id": "nobody/none"}))
    assert find_folder(model_facts(f"acme-tiny@{COMMIT}")) == pinned.folder
    with pytest.raises(ModelError, match=r"expected the weights of acme-tiny@v9 \(revision v9\)"):
        load_model("acme-tiny@v9")


def test_without_a_network_the_way_out_is_said(facts: ModelFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        ModelError, match=r"expected to reach http://127\.0\.0\.1:9, found: .* fetch acme-tiny --from FOLDER"
    ):
        fetch_model(facts)


@pytest.mark.parametrize("spelled", ["{folder}", "file://{folder}"])
def test_from_a_shared_folder(facts: ModelFacts, repository: Path, spelled: str) -> None:
    found = fetch_model(facts, source=spelled.format(folder=repository))
    assert (found.sidecar.commit, found.sidecar.source) == (None, spelled.format(folder=repository))
    same_weights(facts.name)


def test_from_any_fsspec_address(facts: ModelFacts, repository: Path) -> None:
    memory = fsspec.filesystem("memory")
    for path in repository.iterdir():
        memory.pipe_file(f"/models/tiny/{path.name}", path.read_bytes())
    fetch_model(facts, source="memory://models/tiny")
    same_weights(facts.name)


@pytest.mark.parametrize("inside", [True, False])
def test_from_the_cache_of_the_hub(facts: ModelFacts, repository: Path, tmp_path: Path, inside: bool) -> None:
    cache = tmp_path / "hub" / "models--acme--tiny"
    snapshot = cache / "snapshots" / COMMIT
    (cache / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, path in enumerate(repository.iterdir()):
        shutil.copy(path, cache / "blobs" / str(number))
        (snapshot / path.name).symlink_to(Path("..") / ".." / "blobs" / str(number))
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(COMMIT)
    found = fetch_model(facts, source=str(cache if inside else cache.parent))
    assert found.sidecar.commit == COMMIT
    assert not any(path.is_symlink() for path in found.folder.iterdir())
    same_weights(facts.name)


def test_the_hub_s_own_cache_is_found_without_fetching(
    facts: ModelFacts, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import snapshot_download

    with serving(Hub(repository)) as hub:
        kept = snapshot_download(REPOSITORY, cache_dir=tmp_path / "hub", endpoint=hub.address)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert find_folder(facts) == Path(kept)
    by_cache = load_model(facts.name)
    fetch_model(facts, source=str(repository))
    assert load_model(facts.name).weights_hash == by_cache.weights_hash


def test_a_copy_that_broke_off_goes_on_and_another_source_begins_anew(
    facts: ModelFacts, repository: Path, tmp_path: Path
) -> None:
    part = tmp_path / "cache" / "models" / ".acme-tiny@main.part"
    part.mkdir(parents=True)
    name = max(repository.glob("model-*"), key=lambda path: path.stat().st_size).name
    (part / ".source").write_text(str(repository))
    half = bytearray((repository / name).read_bytes()[:50_000])
    (part / name).write_bytes(half)
    fetch_model(facts, source=str(repository))
    same_weights(facts.name)
    shutil.rmtree(part.with_name("acme-tiny@main"))
    part.mkdir()
    (part / ".source").write_text("elsewhere")
    (part / name).write_bytes(bytes(len(half)))
    fetch_model(facts, source=str(repository))
    same_weights(facts.name)


def test_a_damaged_source_is_refused_and_leaves_nothing_to_load(
    facts: ModelFacts, repository: Path, tmp_path: Path
) -> None:
    whole = fetch_model(facts, source=str(repository)).folder
    sidecar = Sidecar.read((whole / SIDECAR).read_text(), "")
    shared = tmp_path / "shared"
    shutil.move(whole, shared)
    name = next(name for name in sidecar.files if name.endswith(".safetensors"))
    data = np.fromfile(shared / name, dtype=np.uint8)
    data[-1] ^= 1
    data.tofile(shared / name)
    with pytest.raises(ModelError, match=f"expected {name} with SHA-256"):
        fetch_model(facts, source=str(shared))
    (shared / SIDECAR).unlink()
    data[:-7].tofile(shared / name)
    with pytest.raises(ModelError, match="it is cut short"):
        fetch_model(facts, source=str(shared))
    (shared / name).write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelError, match="cut short or a git-lfs pointer"):
        fetch_model(facts, source=str(shared))
    assert folders(tmp_path) == [".acme-tiny@main.part"]


def test_bad_sources_and_models_that_need_none(facts: ModelFacts, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="found neither: name the folder that holds it"):
        fetch_model(facts, source=str(tmp_path))
    with pytest.raises(ModelError, match="expected to read a model at sftpx://a"):
        fetch_model(facts, source="sftpx://a")
    with pytest.raises(ModelError, match="it needs no fetching"):
        fetch_model(model_facts(TINY))


def test_a_cache_that_cannot_be_written_says_so(facts: ModelFacts, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"expected to write .* set BRAINALIGN_CACHE"):
        fetch_model(facts, source=str(repository), cache=tmp_path / "file")
