"""What a job is: its name, its code, what it is told."""

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brainalign.artifacts import hash_json, provenance
from brainalign.errors import ClusterError
from brainalign.launch.blobs import PLAN
from brainalign.launch.cluster import Cluster, explained
from brainalign.launch.packages import Sent, Tree, send, zip_members
from brainalign.launch.requirements import submitter_facts

PACKAGE = Path(__file__).resolve().parents[1]
STUDY_FILE = "study.yaml"
# A head that was started from an environment that is not active has that environment's python not on its PATH; then it
# is told from the library of Ray's that the process above the job's shell has loaded.
_PYTHON = (
    "$(for p in python python3; do"
    " $p -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec(\"ray\") is None)' 2>/dev/null"
    " && command -v $p && exit; done;"
    " sed -n 's#.* \\(/.*\\)/lib/python[0-9.]*/site-packages/ray/_raylet.so$#\\1/bin/python#p' /proc/$PPID/maps"
    " | head -n 1)"
)
_HOOK = "brainalign.launch.blobs.install"
# A stopped job gets what Ctrl-C sends (Ray replaces the handler of SIGTERM), and time to write what it has finished.
_ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "RAY_JOB_STOP_SIGNAL": "SIGINT", "RAY_JOB_STOP_WAIT_TIME_S": "30"}
_SKIPPED = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


@dataclass(frozen=True)
class JobSpec:
    """A job before it is submitted.

    ``verb`` and ``arguments`` go to :mod:`brainalign.launch.entry`; ``trees`` are folders that the cluster needs;
    ``environment`` holds variables of the job's processes; ``metadata`` is shown by Ray's job list.
    """

    submission_id: str
    verb: str
    arguments: tuple[str, ...] = ()
    study_text: str | None = None
    trees: tuple[Tree, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def entrypoint(self) -> str:
        """Shell command that the cluster runs; `exec` lets a stop reach Python itself."""
        words = ["-u", "-m", "brainalign.launch.entry", self.verb, *self.arguments]
        return f"exec {_PYTHON} {shlex.join(words)}"

    def code(self) -> dict[str, bytes]:
        """Files of the working folder: the package, the study file, the plan."""
        files = {
            f"brainalign/{path.relative_to(PACKAGE).as_posix()}": path for path in PACKAGE.rglob("*") if path.is_file()
        }
        members = {name: path.read_bytes() for name, path in files.items() if not _SKIPPED & set(Path(name).parts)}
        plan = {**submitter_facts(), "trees": [tree.to_json() for tree in self.trees]}
        members[PLAN] = json.dumps(plan, sort_keys=True).encode()
        if self.study_text is not None:
            members[STUDY_FILE] = self.study_text.encode()
        return members


def study_job_id(name: str, identity: str, store: str) -> str:
    """Name of a study's job: a function of what the study is and where its results go."""
    return f"brainalign-{name}-{hash_json([identity, store])[:10]}"


def start(cluster: Cluster, job: JobSpec) -> Sent:
    """Send what the cluster does not have yet, and submit the job.

    Raises
    ------
    ClusterError
        The cluster refuses a package or the job.
    """
    sent = Sent()
    uris = {}
    for tree in job.trees:
        for package in tree.packages:
            if package.name not in uris:
                uris[package.name] = send(cluster, package.name, package.n_bytes, package.build, sent)
    archive = zip_members(job.code())
    name = f"brainalign_code_{hash_json([archive.hex()])}.zip"
    environment = {**job.environment, **_ENVIRONMENT, "BRAINALIGN_COMMIT": provenance()["commit"]}
    runtime_env: dict[str, Any] = {
        "working_dir": send(cluster, name, len(archive), lambda: archive, sent),
        "env_vars": environment,
        "worker_process_setup_hook": _HOOK,
    }
    if uris:
        runtime_env["py_modules"] = list(uris.values())  # an empty list makes Ray 2.60's agent fail
    with explained(cluster.address):
        try:
            cluster.client.submit_job(
                entrypoint=job.entrypoint,
                submission_id=job.submission_id,
                runtime_env=runtime_env,
                metadata=job.metadata,
            )
        except RuntimeError as error:
            if "already exists" in str(error):
                raise already_there(cluster, job.submission_id) from error
            raise
    return sent


def already_there(cluster: Cluster, job_id: str) -> ClusterError:
    """Error of a second submission of the same study to the same store."""
    return ClusterError(
        f"expected this study not to run yet, found job {job_id} at {cluster.address}: follow it with "
        f"`brainalign submit --follow {job_id} --address {cluster.address}`, stop it with --stop, or name another "
        "--store or --as"
    )
