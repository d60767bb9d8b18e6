"""Where betas are looked for: the order of places, and no silent simulation of what was named."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import brainalign.betas.fetch as fetch_module
from brainalign.betas import SimulatorConfig, cached_release, fetch_release, load_betas, user_cache
from brainalign.errors import DataNotFoundError, InputError

from . import synthetic_release as made
from .range_server import Served, serve

SMALL = SimulatorConfig(n_subjects=2, n_problems_per_type=8)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return user_cache()


def write_cached(tmp_path: Path) -> Path:
    """Fill the cache through a real fetch."""
    release = made.write_release(tmp_path / "published")
    with serve(made.pack(release, tmp_path / "packed.zip")) as server:
        return fetch_release(None, server.url, checksums=made.checksums(release))


def test_a_path_comes_first_then_the_variable_then_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached, named, given = (
        write_cached(tmp_path),
        made.write_release(tmp_path / "n"),
        made.write_release(tmp_path / "g"),
    )
    assert load_betas().source.location == str(cached)
    monkeypatch.setenv("BRAINALIGN_DATA", str(named))
    assert load_betas().source.location == str(named)
    assert load_betas(given).source.location == str(given)
    assert load_betas(given, fallback_simulated=True, simulate=SMALL).source.kind == "release"


def test_simulated_only_where_asked_for(own_cache: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"--betas, in BRAINALIGN_DATA or in .*brainalign data fetch"):
        load_betas()
    dataset = load_betas(fallback_simulated=True)
    assert dataset.source.kind == "simulated"
    assert dataset.source.location is None
    assert dataset.source.description.startswith("SIMULATED")
    assert dataset.wording.source == "brainalign"


def test_simulation_that_is_asked_for_outright_looks_nowhere_else(tmp_path: Path) -> None:
    write_cached(tmp_path)
    assert load_betas(simulate=SMALL).betas.subjects == ("sim-01", "sim-02")
    assert load_betas(simulate=SMALL, subjects=1).betas.subjects == ("sim-01",)
    assert load_betas(simulate=SMALL, fallback_simulated=True).source.kind == "release"
    with pytest.raises(InputError, match="leave one out"):
        load_betas(tmp_path, simulate=SMALL)


@pytest.mark.parametrize("kind", ["missing", "empty", "broken"])
@pytest.mark.parametrize("by_variable", [True, False])
def test_a_named_place_that_is_broken_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, by_variable: bool
) -> None:
    folder = tmp_path / "named"
    if kind == "empty":
        folder.mkdir()
    if kind == "broken":
        made.voxel_path(made.write_release(folder), "md", "sub-01").write_bytes(b"")
    if by_variable:
        monkeypatch.setenv("BRAINALIGN_DATA", str(folder))
    with pytest.raises(InputError, match="named"):
        load_betas(None if by_variable else folder, fallback_simulated=True, fetch_timeout_s=1)
    with pytest.raises(InputError):
        load_betas("", fallback_simulated=True)  # an unset variable of somebody's shell


def test_broken_cache_is_an_error_too(tmp_path: Path) -> None:
    made.voxel_path(write_cached(tmp_path), "md", "sub-01").write_bytes(b"")
    with pytest.raises(InputError, match=r"sub-01\.mat"):
        load_betas(fallback_simulated=True)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Put a made-up release in the place of the public one: its address and its checksums."""
    release = made.write_release(tmp_path / "published")
    with serve(made.pack(release, tmp_path / "packed.zip")) as server:
        monkeypatch.setattr(fetch_module, "RELEASE_URL", server.url)
        monkeypatch.setattr(fetch_module, "release_checksums", lambda: made.checksums(release))
        yield server


def test_the_network_is_tried_before_simulating_and_only_if_wanted(published: Served) -> None:
    assert load_betas(fallback_simulated=True).source.kind == "simulated"
    assert not published.requests
    dataset = load_betas(fetch_timeout_s=3, fallback_simulated=True)
    assert dataset.source.location == str(cached_release(user_cache()))
    assert load_betas().source == dataset.source
    assert len(published.requests) == 1


def test_what_is_no_release_falls_back_only_if_asked(published: Served) -> None:
    published.content = b"<html>please log in</html>"
    assert load_betas(fetch_timeout_s=3, fallback_simulated=True).source.kind == "simulated"
    with pytest.raises(InputError, match="zip archive"):
        load_betas(fetch_timeout_s=3)


def test_a_refused_connection_costs_no_time_and_falls_back_only_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setattr(fetch_module, "RELEASE_URL", f"http://127.0.0.1:{probe.getsockname()[1]}/release.zip")
    start = time.perf_counter()
    assert load_betas(fetch_timeout_s=3, fallback_simulated=True).source.kind == "simulated"
    assert time.perf_counter() - start < 3
    with pytest.raises(DataNotFoundError, match="brainalign data fetch"):
        load_betas(fetch_timeout_s=3)
