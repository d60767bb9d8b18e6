"""The fetch against a real HTTP server on the loopback interface: whole, interrupted, damaged, refused."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from brainalign.betas import RELEASE_COMMIT, RELEASE_URL, cached_release, fetch_release
from brainalign.betas.fetch import release_checksums
from brainalign.errors import DataNotFoundError, InputError

from . import synthetic_release as made
from .range_server import Served, serve


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write_release(tmp_path_factory.mktemp("published") / "release")


@pytest.fixture
def served(release: Path, tmp_path: Path) -> Iterator[Served]:
    with serve(made.pack(release, tmp_path / "packed.zip")) as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def fetch(cache: Path, served: Served, release: Path, **options: object) -> Path:
    return fetch_release(cache, served.url, timeout_s=5, checksums=made.checksums(release), **options)  # type: ignore[arg-type]


def test_all_wanted_files_arrive_and_nothing_else(cache: Path, served: Served, release: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    folder = fetch(cache, served, release, progress=lambda done, total: steps.append((done, total)))
    assert folder == cached_release(cache)
    assert made.checksums(folder) == made.checksums(release)
    assert steps[-1] == (len(served.content), len(served.content))
    assert sorted(path.name for path in cache.iterdir()) == ["downloads", folder.name]
    assert not list((cache / "downloads").iterdir())
    assert not list(cache.parent.rglob("outside.txt"))


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(cache: Path, served: Served, release: Path) -> None:
    folder = fetch(cache, served, release)
    fetch(cache, served, release)
    assert len(served.requests) == 1
    (folder / "get_activations.py").write_text("changed")
    fetch(cache, served, release)
    assert len(served.requests) == 2
    assert made.checksums(folder) == made.checksums(release)


def test_an_interrupted_download_goes_on_where_it_stopped(cache: Path, served: Served, release: Path) -> None:
    n_first = len(served.content) // 3
    served.break_after = n_first
    with pytest.raises(DataNotFoundError, match=r"again .* are kept and continued"):
        fetch(cache, served, release)
    assert not cached_release(cache).exists()
    n_kept = (cache / "downloads" / "release.zip.part").stat().st_size
    assert 0 < n_first - 2**16 <= n_kept <= n_first  # at most the last chunk is lost
    folder = fetch(cache, served, release)
    assert served.requests == ["", f"bytes={n_kept}-"]
    assert made.checksums(folder) == made.checksums(release)


def test_a_server_without_ranges_is_read_from_the_start(cache: Path, served: Served, release: Path) -> None:
    served.break_after, served.ranges = 100_000, False
    with pytest.raises(DataNotFoundError):
        fetch(cache, served, release)
    assert made.checksums(fetch(cache, served, release)) == made.checksums(release)


@pytest.mark.parametrize("surplus", [b"", b"of an older archive"])
def test_a_part_that_is_whole_already_or_too_long_is_no_obstacle(
    cache: Path, served: Served, release: Path, surplus: bytes
) -> None:
    (cache / "downloads").mkdir(parents=True)
    (cache / "downloads" / "release.zip.part").write_bytes(served.content + surplus)
    assert made.checksums(fetch(cache, served, release)) == made.checksums(release)
    assert len(served.requests) == (2 if surplus else 1)


def test_a_wrong_checksum_keeps_nothing_and_names_the_file(cache: Path, served: Served, release: Path) -> None:
    expected = made.checksums(release)
    expected["get_activations.py"] = "0" * 64
    with pytest.raises(InputError, match=r"SHA-256 000.* for get_activations\.py .*found [0-9a-f]{64}"):
        fetch_release(cache, served.url, timeout_s=5, checksums=expected)
    assert not [path for path in cache.rglob("*") if path.is_file()]
    # A good copy that was there before stays.
    folder = fetch(cache, served, release)
    with pytest.raises(InputError, match="SHA-256"):
        fetch_release(cache, served.url, timeout_s=5, checksums=expected)
    assert made.checksums(folder) == made.checksums(release)


def test_a_damaged_or_other_archive_is_refused(cache: Path, served: Served, release: Path) -> None:
    whole = served.content
    served.content = b"<html>please log in</html>"
    with pytest.raises(InputError, match="zip archive"):
        fetch(cache, served, release)
    served.content = whole[: len(whole) // 2]
    with pytest.raises(InputError):
        fetch(cache, served, release)
    served.content = whole
    with pytest.raises(InputError, match=r"no-such\.mat in the archive"):
        fetch_release(cache, served.url, checksums={"no-such.mat": "0" * 64})
    assert made.checksums(fetch(cache, served, release)) == made.checksums(release)


@pytest.mark.parametrize("status", [404, 503])
def test_an_error_of_the_server_says_the_way_out(cache: Path, served: Served, release: Path, status: int) -> None:
    served.status = status
    with pytest.raises(DataNotFoundError, match=rf"{status}.*BRAINALIGN_DATA"):
        fetch(cache, served, release)


def test_a_refused_connection_is_known_at_once(cache: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/release.zip"
    start = time.perf_counter()
    with pytest.raises(DataNotFoundError, match="expected the release at http://127"):
        fetch_release(cache, url, timeout_s=3)
    assert time.perf_counter() - start < 3


def test_a_silent_server_is_given_up_after_the_time_out(cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.perf_counter()
        with pytest.raises(DataNotFoundError, match="timed out"):
            fetch_release(cache, f"http://127.0.0.1:{silent.getsockname()[1]}/release.zip", timeout_s=0.5)
        assert time.perf_counter() - start < 3


def test_a_cache_that_cannot_be_written_is_named(served: Served, release: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    with pytest.raises(InputError, match="a file"):
        fetch(blocked, served, release)


def test_shipped_checksums_are_those_of_the_real_files(release_folder: Path) -> None:
    shipped = release_checksums()
    assert RELEASE_COMMIT in RELEASE_URL
    assert sum(name.endswith(".mat") for name in shipped) == 30 + 20  # three regions of 10 subjects, one of 20
    here = {name: digest for name, digest in shipped.items() if (release_folder / name).is_file()}
    assert len(here) >= 33 + 43  # a copy without the release's scripts lacks two
    found = made.checksums(release_folder)
    assert {name: found[name] for name in here} == here
