"""Kills a study's driver and workers at random moments, and shows that its table ends the same."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

from brainalign.artifacts import Store, stream, table_hash, write_text
from brainalign.errors import StudyError

NAME = "chaos"
N_WORKERS = 2
TRIALS_A_KILL = 5
"""Trials of the study for each kill, so that none comes after the last."""
_MOST_ROWS, _MOST_WAIT_S = 3, 0.5
_POLL_S = 0.02
_LONGEST_S = 900.0
_DISK = ("400k", "64m")
Victim = Literal["driver", "worker"]


@dataclass(frozen=True)
class Kill:
    """One kill as it is drawn: whom, after how many new trials, and how long after the last of them."""

    victim: Victim
    after_rows: int
    after_s: float


@dataclass
class ChaosBenchmark:
    """What a disturbed study ended in, beside an undisturbed one.

    Attributes
    ----------
    same : bool
        Whether the scientific columns of both tables have one hash.
    table_hash, undisturbed_hash : str
    n_trials : int
        Finished trials of each.
    n_driver_kills, n_worker_kills : int
        Kills that met a living process.
    n_starts : int
        Drivers that were started.
    n_gone, n_twice : int
        Finished trials that a kill took away, or that were run again; both have to be 0.
    lost_s : float
        Most that the kills can have cost: time since the last trial that had finished by then (or since the start of
        the driver), for each worker that it met, s.
    lost_share : float
        ``lost_s`` over the time of all finished trials.
    wall_s, undisturbed_s : float
        From the first start to the last end, s; restarts of Ray make up most of the difference.
    full_disk : str
        ``"same"`` or ``"other"`` for the table of a study whose disk was full until it was made larger, or why that was
        not tried.
    """

    same: bool = False
    table_hash: str = ""
    undisturbed_hash: str = ""
    n_trials: int = 0
    n_driver_kills: int = 0
    n_worker_kills: int = 0
    n_starts: int = 0
    n_gone: int = 0
    n_twice: int = 0
    lost_s: float = 0.0
    lost_share: float = 0.0
    wall_s: float = 0.0
    undisturbed_s: float = 0.0
    full_disk: str = "not tried"
    _seen: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def passed(self) -> bool:
        """Whether nothing was lost and all tables are the same."""
        return self.same and not self.n_gone and not self.n_twice and self.full_disk != "other"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}


def draw_kills(n_kills: int, seed: int) -> list[Kill]:
    """Draw kills by name; of each two in a row one meets the driver and one a worker."""
    kills = []
    for number in range(n_kills):
        first = int(stream("chaos", "pair", seed, number // 2).integers(2))
        victim: Victim = "driver" if (first + number) % 2 else "worker"
        rng = stream("chaos", seed, number)
        kills.append(Kill(victim, int(rng.integers(_MOST_ROWS)), float(rng.uniform(0, _MOST_WAIT_S))))
    return kills


def chaos_study(n_trials: int) -> dict[str, Any]:
    """Spell a small study of searches that learn, on a tiny model and simulated betas."""
    return {
        "name": NAME,
        "models": ["tiny-random-llama"],
        "betas": {"source": "simulated", "simulator": {"n_subjects": 2, "n_problems_per_type": 10}},
        "execution": {"workers": N_WORKERS},
        "kinds": {
            "nari": {
                "arms": ["guided", "random_direction"],
                "trials": max(n_trials // 2, 4),
                "window": 4,
                "startup_trials": 3,
                "space": {"alpha": {"low": 0.3, "high": 10, "log": True}, "n_steps": 100},
                "stopping": {"rule": "asha", "rungs": [4], "reduction": 2},
            }
        },
    }


def benchmark_chaos(n_kills: int = 200, seed: int = 0) -> ChaosBenchmark:
    """Run one study twice, once in peace and once under kill -9, and once on a disk that is full for a while.

    Raises
    ------
    StudyError
        The study does not end, however often it is resumed.
    """
    found = ChaosBenchmark()
    with tempfile.TemporaryDirectory(prefix="brainalign-chaos-") as folder:
        root = Path(folder)
        path = root / "study.yaml"
        write_text(path, json.dumps(chaos_study(TRIALS_A_KILL * n_kills)))
        began = time.monotonic()
        peace, disturbed = Store(root / "peace"), Store(root / "disturbed")
        _finish(path, peace)
        found.undisturbed_s = time.monotonic() - began
        found.undisturbed_hash = _hash(peace)
        began = time.monotonic()
        _disturb(path, disturbed, draw_kills(n_kills, seed), found)
        found.wall_s = time.monotonic() - began
        rows = disturbed.read_trials(NAME)
        found.n_trials, found.table_hash = len(rows), _hash(disturbed)
        found.same = found.table_hash == found.undisturbed_hash
        found.lost_share = found.lost_s / max(sum(row.seconds for row in rows), 1e-9)
        found.full_disk = _full_disk(path, root / "small", found.undisturbed_hash)
    return found


def _hash(store: Store) -> str:
    return table_hash(store.read_trials(NAME))


def _start(path: Path, store: Store) -> "subprocess.Popen[bytes]":
    """Start a driver, or resume where there is something to resume."""
    has_begun = store.root.is_dir() and NAME in store.studies()
    words = ["resume", NAME] if has_begun else ["run", str(path)]
    command = [sys.executable, "-m", "brainalign.cli", "study", *words, "--store", str(store.root)]
    with (path.parent / "driver.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def _finish(path: Path, store: Store) -> None:
    """Run a study to its end."""
    process = _start(path, store)
    code = process.wait(_LONGEST_S)
    if code:
        raise StudyError(f"expected a study that ends, found exit code {code}: {_last_line(path)}")


def _last_line(path: Path) -> str:
    lines = (path.parent / "driver.log").read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "nothing was said"


def _disturb(path: Path, store: Store, kills: list[Kill], found: ChaosBenchmark) -> None:
    """Run a study under kills, and after the last one to its end."""
    process, started = _start(path, store), time.time()
    found.n_starts = 1
    left = list(kills)
    deadline = time.monotonic() + _LONGEST_S
    with _reaped() as reaped:
        while True:
            reaped |= _children(process.pid)
            if left and _wait(process, store, left[0], deadline):
                deadline = time.monotonic() + _LONGEST_S
                _kill(process, store, left.pop(0), started, found)
            _account(store, found)
            if time.monotonic() > deadline:
                process.kill()
                raise StudyError(f"expected a study that goes on, found none: {_last_line(path)}")
            if process.poll() is None and left:
                continue
            if process.poll() is None:
                process.wait(max(deadline - time.monotonic(), 1.0))
            if process.returncode == 0:
                break
            process, started = _start(path, store), time.time()
            found.n_starts += 1
    _account(store, found)


@contextmanager
def _reaped() -> Iterator[set[psutil.Process]]:
    """Gather processes of killed drivers, and end those that outlive the block."""
    gathered: set[psutil.Process] = set()
    try:
        yield gathered
    finally:
        for process in gathered:
            with suppress(psutil.Error):
                process.kill()


def _children(pid: int) -> set[psutil.Process]:
    try:
        return set(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return set()


def _wait(process: "subprocess.Popen[bytes]", store: Store, kill: Kill, deadline: float) -> bool:
    """Wait for the moment of a kill; False where the driver ended before it."""
    n_wanted = _n_rows(store) + kill.after_rows
    while _n_rows(store) < n_wanted or (kill.victim == "worker" and not _workers(process.pid)):
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    time.sleep(kill.after_s)
    return process.poll() is None


def _n_rows(store: Store) -> int:
    return len(store.read_trials(NAME)) if store.root.is_dir() and NAME in store.studies() else 0


def _workers(pid: int) -> list[psutil.Process]:
    """Find processes of a driver that hold a model for trials, whether at work or between two."""
    found = []
    for child in sorted(_children(pid), key=lambda child: child.pid):
        with suppress(psutil.Error):
            words = " ".join(child.cmdline())
            if "TrialWorker" in words or "ResourceTrainable" in words:
                found.append(child)
    return found


def _kill(process: "subprocess.Popen[bytes]", store: Store, kill: Kill, started: float, found: ChaosBenchmark) -> None:
    """Kill -9 the driver, or one of its workers, and add up what that may have cost."""
    workers = _workers(process.pid)
    idle_s = time.time() - max(_last_written(store), started)
    if kill.victim == "driver":
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        found.n_driver_kills += 1
        found.lost_s += idle_s * len(workers)
    elif workers:
        with suppress(psutil.Error):
            workers[int(kill.after_s * 1e6) % len(workers)].kill()
            found.n_worker_kills += 1
            found.lost_s += idle_s


def _last_written(store: Store) -> float:
    paths = store.trial_paths(NAME) if _n_rows(store) else []
    times = [0.0]
    for path in paths:
        with suppress(OSError):  # a compaction may take it meanwhile
            times.append(path.stat().st_mtime)
    return max(times)


def _account(store: Store, found: ChaosBenchmark) -> None:
    """Compare the finished trials with those that were seen before."""
    now: Mapping[str, str] = {row.place: f"{row.started_at} {row.host}" for row in _rows(store)}
    for place, stamp in found._seen.items():
        if place not in now:
            found.n_gone += 1
        elif now[place] != stamp:
            found.n_twice += 1
    found._seen = dict(now)


def _rows(store: Store) -> list[Any]:
    return store.read_trials(NAME) if _n_rows(store) else []


def _full_disk(path: Path, root: Path, expected: str) -> str:
    """Run a study on a file system that is too small, make it larger, resume."""
    if os.geteuid() != 0:
        return "not tried: needs root, to mount a small file system"
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK[0]}", "tmpfs", str(root)]
    if subprocess.run(mount, capture_output=True).returncode:
        return "not tried: this machine refuses to mount a small file system"
    try:
        store = Store(root)
        code = _start(path, store).wait(_LONGEST_S)
        if code != 2:
            raise StudyError(f"expected exit code 2 on a full disk, found {code}: {_last_line(path)}")
        kept = _rows(store)
        subprocess.run(["mount", "-o", f"remount,size={_DISK[1]}", str(root)], check=True)
        _finish(path, store)
        is_kept = {row.place: row.started_at for row in kept}.items() <= {
            row.place: row.started_at for row in store.read_trials(NAME)
        }.items()
        return "same" if is_kept and _hash(store) == expected else "other"
    finally:
        subprocess.run(["umount", "-l", str(root)], check=False)
