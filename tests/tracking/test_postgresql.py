"""A mirror in PostgreSQL, from two processes at once."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brainalign.artifacts import Store
from brainalign.tracking import count_runs, mirror, serve

from .studies import NAME, write_study

pytestmark = pytest.mark.cluster


def find(name: str) -> str:
    """Path of a program of Debian's postgresql, which has its own folder, or a skip that says what is missing."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(places[-1]) if places else shutil.which(name)
    if found is None:
        pytest.skip(f"needs PostgreSQL's {name}: apt-get install postgresql")
    return found


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("psycopg2", reason="needs psycopg2-binary")
    initdb, pg_ctl = find("initdb"), find("pg_ctl")
    user = subprocess.run(["id", "-u", "postgres"], capture_output=True).returncode == 0
    if not user:
        pytest.skip("needs the user postgres, which Debian's package makes: root may not run the server")
    # Not under pytest's folder, which other users may not enter.
    folder = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    subprocess.run(["chown", "postgres", str(folder)], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    as_postgres = ["runuser", "-u", "postgres", "--"]
    data = str(folder / "data")
    subprocess.run([*as_postgres, initdb, "-D", data, "-A", "trust"], check=True, capture_output=True, cwd="/")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    start = [*as_postgres, pg_ctl, "-D", data, "-o", options, "-w", "-l", str(folder / "log"), "start"]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, cwd="/")
    try:
        yield f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
    finally:
        stop = [*as_postgres, pg_ctl, "-D", data, "-m", "immediate", "stop"]
        subprocess.run(stop, check=True, stdout=subprocess.DEVNULL, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


def test_two_processes_mirror_into_postgresql_and_a_server_shows_it(store: Store, address: str) -> None:
    write_study(store)
    assert mirror(store, NAME, uri=address).n_created == 4
    write_study(store, n_trials=6)
    code = "import sys; from brainalign.artifacts import Store; from brainalign.tracking import mirror"
    code += "; mirror(Store(sys.argv[1]), sys.argv[2], uri=sys.argv[3])"
    command = [sys.executable, "-c", code, str(store.root), NAME, address]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    n_rows = len(store.read_trials(NAME))
    assert count_runs(store, NAME, uri=address) == sum(row.part == "selection" for row in store.read_trials(NAME))
    again = mirror(store, NAME, uri=address)
    assert (again.n_runs, again.n_created, again.n_updated, again.n_deleted) == (n_rows, 0, 0, 0)
    assert list((store.root / "mlartifacts" / NAME).rglob("setting.json"))
    page = serve(store, NAME, uri=address)
    try:
        assert page.process is not None
        assert page.process.poll() is None
    finally:
        page.stop()
