"""Where the token comes from, and what a cluster that is not there says."""

from pathlib import Path

import pytest

from brainalign.errors import ClusterError
from brainalign.launch.cluster import connect, find_token

from .heads import free_port


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ray").mkdir()
    return tmp_path


def test_the_token_is_found_in_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_token() is None
    (home / ".ray" / "auth_token").write_text("of-the-home\n")
    assert find_token() == "of-the-home"
    (home / "named").write_text("of-the-path\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(home / "named"))
    assert find_token() == "of-the-path"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of-the-variable")
    assert find_token() == "of-the-variable"
    assert find_token("given") == "given"


def test_a_user_can_opt_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".ray" / "auth_token").write_text("token")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert find_token() is None


def test_a_token_file_that_is_not_there_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(home / "absent"))
    with pytest.raises(ClusterError, match="absent, found No such file or directory: mend RAY_AUTH_TOKEN_PATH"):
        find_token()


def test_nothing_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:1")  # Ray would take this one
    port = free_port()
    with pytest.raises(
        ClusterError, match=rf"dashboard at http://127.0.0.1:{port}, found nothing that answers"
    ) as caught:
        connect(f"127.0.0.1:{port}/")
    assert "\n" not in str(caught.value)


def test_an_address_of_another_kind() -> None:
    with pytest.raises(ClusterError, match="found ray://head:10001"):
        connect("ray://head:10001")
