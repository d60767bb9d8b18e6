"""Results of a job's scratch store brought back through the Jobs API alone, with nothing but the token.

A small job packs the study on the cluster and prints it; its log is the channel. Large studies come in several parts.
"""

import base64
import binascii
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brainalign.artifacts import Store
from brainalign.errors import ClusterError
from brainalign.launch.cluster import Cluster, connect, explained
from brainalign.launch.following import exit_code, job_info
from brainalign.launch.job import JobSpec, start
from brainalign.launch.transfer import MergeReport, merge_archive

Rebuild = Callable[[Path, str], Any]

BEGIN, END = "brainalign-archive-begin", "brainalign-archive-end"
PART_BYTES = 16 << 20
_LINE = 960  # a multiple of 4, so that each line is base64 of its own


def pull(
    address: str,
    job_id: str,
    store: Path | str | None = None,
    *,
    token: str | None = None,
    rebuild: Rebuild | None = None,
) -> MergeReport:
    """Bring a job's results into a local store; what is there already stays.

    Parameters
    ----------
    address : str
        Of the head's dashboard.
    job_id : str
        Submission id of a job that was submitted with ``pull``. It may still run: what is finished comes.
    store : path, optional
        Target; without it the store that was named at submission.
    token : str, optional
        See :func:`brainalign.launch.cluster.find_token`.
    rebuild : callable, optional
        Rebuilds the mirrors afterwards, given the store's folder and the study's name.

    Returns
    -------
    MergeReport

    Raises
    ------
    ClusterError
        The cluster cannot be reached, or the job has no results to bring.
    StudyError
        What came is damaged, or the store holds something else at the same places.
    """
    cluster = connect(address, token)
    facts = job_info(cluster, job_id).metadata or {}
    if "brainalign.scratch" not in facts:
        where = facts.get("brainalign.store", "its store")
        raise ClusterError(f"expected a job submitted with --pull, found {job_id}: its results are in {where} already")
    target = Store(store or facts["brainalign.target"])
    return pull_study(cluster, facts["brainalign.scratch"], facts["brainalign.study"], target, rebuild)


def pull_study(cluster: Cluster, scratch: str, name: str, target: Store, rebuild: Rebuild | None) -> MergeReport:
    """Bring a study from a scratch store on the cluster; see :func:`pull`."""
    header, content = _fetch(cluster, scratch, name, 0)
    parts = [content]
    for index in range(1, int(header["parts"])):
        again, content = _fetch(cluster, scratch, name, index)
        if again["sha256"] != header["sha256"]:
            raise ClusterError("expected one state of the results, found that a trial ended meanwhile: pull again")
        parts.append(content)
    report = merge_archive(b"".join(parts), header["sha256"], target, name)
    if rebuild is not None:
        rebuild(target.root, name)
    return report


def _fetch(cluster: Cluster, scratch: str, name: str, index: int) -> tuple[dict[str, str], bytes]:
    job_id = f"brainalign-pull-{name}-{secrets.token_hex(5)}"
    start(cluster, JobSpec(job_id, "pull", ("--study", name, "--scratch", scratch, "--part", str(index))))
    while not job_info(cluster, job_id).status.is_terminal():
        time.sleep(0.3)
    code = exit_code(cluster, job_id)
    with explained(cluster.address):
        log = str(cluster.client.get_job_logs(job_id))
        cluster.client.delete_job(job_id)  # its log is as large as the results
    if code != 0:
        said = next((line for line in log.splitlines() if line.startswith("error: ")), log[-300:])
        raise ClusterError(f"expected results from {scratch} on the cluster, found: {said.removeprefix('error: ')}")
    return decode_part(log)


def encode_part(content: bytes, sha256: str, index: int) -> list[str]:
    """Spell one part of an archive as lines of a log."""
    n_parts = max(1, -(-len(content) // PART_BYTES))
    text = base64.b64encode(content[index * PART_BYTES : (index + 1) * PART_BYTES]).decode()
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return [f"{BEGIN} parts={n_parts} sha256={sha256}", *lines, END]


def decode_part(log: str) -> tuple[dict[str, str], bytes]:
    """Read a part of an archive, and the header before it, out of a log.

    Raises
    ------
    ClusterError
        The log does not hold a whole part.
    """
    lines = log.splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith(BEGIN)]
    if not starts or END not in lines[starts[0] :]:
        raise ClusterError("expected an archive in the log of the pulling job, found only a piece of one: pull again")
    begin = starts[0]
    header = dict(word.split("=", 1) for word in lines[begin].split()[1:])
    try:
        content = base64.b64decode("".join(lines[begin + 1 : lines.index(END, begin)]), validate=True)
    except binascii.Error as error:
        raise ClusterError(
            "expected an archive in the log of the pulling job, found other lines in it: pull again"
        ) from error
    return header, content
