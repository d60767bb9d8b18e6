"""Files cut into packages, and put together again."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from brainalign.errors import ClusterError, InputError
from brainalign.launch.blobs import assemble
from brainalign.launch.packages import Tree, cut


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    contents = {"big.bin": os.urandom(2500), "sub/small.txt": b"few words", "sub/empty": b"", "other": os.urandom(400)}
    for name, content in contents.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {name: tmp_path / "source" / name for name in contents}


def unpack(tree: Tree, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what Ray does with the packages of a job."""
    for package in tree.packages:
        place = folder / package.key
        zipfile.ZipFile(io.BytesIO(package.build())).extractall(place)
        monkeypatch.syspath_prepend(place)


def test_packages_are_small_and_hold_everything_once(sources: dict[str, Path]) -> None:
    tree = cut("betas", sources, package_bytes=1000)
    assert all(package.n_bytes <= 1000 for package in tree.packages)
    assert sum(package.n_bytes for package in tree.packages) == sum(path.stat().st_size for path in sources.values())
    assert [package.n_bytes for package in tree.packages] == [1000, 1000, 500 + 400 + 9]


def test_a_tree_is_made_again(sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = cut("betas", sources, package_bytes=1000)
    unpack(tree, tmp_path / "ray", monkeypatch)
    folder = assemble(tree.to_json(), tmp_path / "blobs")
    made = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert made == {name: path.read_bytes() for name, path in sources.items()}
    stamp = folder.stat().st_mtime_ns
    assert assemble(tree.to_json(), tmp_path / "blobs") == folder
    assert folder.stat().st_mtime_ns == stamp  # found, not made again


def test_names_depend_on_content_alone(sources: dict[str, Path], tmp_path: Path) -> None:
    one = cut("betas", {"a": sources["big.bin"]}, package_bytes=1000)
    copy = tmp_path / "copy"
    copy.write_bytes(sources["big.bin"].read_bytes())
    other = cut("models", {"b": copy}, package_bytes=1000)
    assert [package.name for package in one.packages] == [package.name for package in other.packages]
    assert [package.build() for package in one.packages] == [package.build() for package in other.packages]
    copy.write_bytes(b"x" + copy.read_bytes()[1:])
    changed = cut("models", {"b": copy}, package_bytes=1000)
    assert [a.name == b.name for a, b in zip(one.packages, changed.packages, strict=True)] == [False, True, True]


def test_a_file_that_changes_while_it_is_sent(sources: dict[str, Path]) -> None:
    tree = cut("betas", sources)
    sources["other"].write_bytes(b"y" * 400)
    with pytest.raises(InputError, match="found it changed while sending"):
        tree.packages[0].build()


def test_damage_and_absence_are_noticed(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = cut("betas", sources)
    with pytest.raises(ClusterError, match="found it nowhere"):
        assemble(tree.to_json(), tmp_path / "blobs")
    unpack(tree, tmp_path / "ray", monkeypatch)
    next((tmp_path / "ray").rglob("brainalign_blob_*/0")).write_bytes(b"damaged")
    with pytest.raises(ClusterError, match="found other bytes"):
        assemble(tree.to_json(), tmp_path / "blobs")
    assert not [path for path in (tmp_path / "blobs").iterdir() if path.is_dir()]  # nothing half


def test_a_path_that_leads_out_is_refused(tmp_path: Path) -> None:
    tree = {"key": "k", "files": [{"path": "../out", "sha256": "", "segments": []}]}
    with pytest.raises(ClusterError, match="inside the sent folder"):
        assemble(tree, tmp_path / "blobs")
    assert not (tmp_path / "blobs" / "out").exists()
