"""Runs a study inside of a job, on the cluster that the job belongs to."""

from pathlib import Path

from rich.console import Console

from brainalign.launch.following import STOPPED_CODE
from brainalign.search import run_study
from brainalign.search.progress import StudyProgress
from brainalign.study import load_study


def run(study_file: Path, name: str, store: Path) -> int:
    """Run a study file; gives the exit code: 0, 1 where every trial failed, 130 where it was stopped."""
    study = load_study(study_file, name=name)
    console = Console(highlight=False, soft_wrap=True)
    with StudyProgress(console, study) as progress:
        done = run_study(study, store=store, address="auto", listener=progress)
    console.print(
        f"{name}: {done.n_done} of {done.n_total} trials done, {done.n_new} of them now, {done.n_failed} failed"
    )
    if done.interrupted:
        return STOPPED_CODE
    return 1 if done.n_lost or done.n_failed == done.n_total else 0
