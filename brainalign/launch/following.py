"""A job's log, followed to its end, and its exit code."""

import asyncio
import time
from collections.abc import Callable

from ray.job_submission import JobDetails, JobStatus

from brainalign.errors import ClusterError
from brainalign.launch.cluster import Cluster, connect, explained

Echo = Callable[[str], None]

_POLL_S = 0.5
_RECONNECTIONS = 20
STOPPED_CODE = 130
LEFT_CODE = 130


def follow(address: str, job_id: str, echo: Echo, *, token: str | None = None) -> int:
    """Stream a job's log until it ends; leaving with Ctrl-C leaves the job running.

    Parameters
    ----------
    address : str
        Of the head's dashboard.
    job_id : str
        Submission id of the job.
    echo : callable
        Takes pieces of the log as they come, line ends included.
    token : str, optional
        See :func:`brainalign.launch.cluster.find_token`.

    Returns
    -------
    int
        The job's exit code; 130 where it was stopped or left with Ctrl-C.

    Raises
    ------
    ClusterError
        The cluster cannot be reached, has no such job, or could not start it.
    """
    return follow_job(connect(address, token), job_id, echo)


def follow_job(cluster: Cluster, job_id: str, echo: Echo) -> int:
    """Stream a job's log until it ends; see :func:`follow`."""
    job_info(cluster, job_id)
    try:
        _Log(cluster, job_id, echo).stream()
    except KeyboardInterrupt:
        echo(f"\nleft; job {job_id} goes on. {how_to_follow(cluster.address, job_id)}\n")
        return LEFT_CODE
    return exit_code(cluster, job_id)


def stop(address: str, job_id: str, *, token: str | None = None, timeout_s: float = 60) -> bool:
    """Stop a job and wait until it has ended; False where it had ended before. Finished trials stay.

    Raises
    ------
    ClusterError
        The cluster cannot be reached, has no such job, or the job does not end in time.
    """
    cluster = connect(address, token)
    job_info(cluster, job_id)
    with explained(cluster.address):
        running = bool(cluster.client.stop_job(job_id))
    end = time.monotonic() + timeout_s
    while not job_info(cluster, job_id).status.is_terminal():
        if time.monotonic() > end:
            raise ClusterError(
                f"expected job {job_id} to end within {timeout_s:.0f} s, found it running: stop it again"
            )
        time.sleep(_POLL_S)
    return running


def how_to_follow(address: str, job_id: str) -> str:
    """Say how a job is followed and stopped."""
    return (
        f"Follow it: brainalign submit --follow {job_id} --address {address}; stop it: brainalign submit "
        f"--stop {job_id} --address {address} (or, with RAY_AUTH_MODE=token, "
        f"ray job logs --follow {job_id} --address {address})"
    )


def job_info(cluster: Cluster, job_id: str) -> JobDetails:
    """Ask for a job's state.

    Raises
    ------
    ClusterError
        The cluster has no such job.
    """
    found = find_job(cluster, job_id)
    if found is None:
        raise ClusterError(
            f"expected job {job_id} at {cluster.address}, found none: `ray job list` names those that are there"
        )
    return found


def find_job(cluster: Cluster, job_id: str) -> JobDetails | None:
    """Ask for a job's state; None where the cluster has no such job."""
    with explained(cluster.address):
        try:
            return cluster.client.get_job_info(job_id)
        except RuntimeError as error:
            if "does not exist" in str(error):
                return None
            raise


def exit_code(cluster: Cluster, job_id: str) -> int:
    """Wait for a job's end and give its exit code.

    Raises
    ------
    ClusterError
        The job never got to run.
    """
    while not (job := job_info(cluster, job_id)).status.is_terminal():
        time.sleep(_POLL_S)
    if job.status == JobStatus.SUCCEEDED:
        return 0
    if job.status == JobStatus.STOPPED:
        return STOPPED_CODE
    if job.driver_exit_code is None:
        said = " ".join((job.message or "no reason").split())[-500:]  # a traceback says at its end what happened
        raise ClusterError(f"expected job {job_id} to run, found that the cluster could not start it: {said}")
    return job.driver_exit_code if job.driver_exit_code > 0 else 128 - job.driver_exit_code


class _Log:
    """A job's log; a connection that breaks is made again, and what was shown is not shown twice."""

    def __init__(self, cluster: Cluster, job_id: str, echo: Echo) -> None:
        self._cluster, self._job_id, self._echo = cluster, job_id, echo
        self._shown = 0

    def stream(self) -> None:
        """Echo the log until the job has ended."""
        reason, failures = "", 0
        while failures < _RECONNECTIONS:
            shown = self._shown
            try:
                asyncio.run(self._tail())
            except (RuntimeError, OSError) as error:
                reason = str(error)
            else:
                if job_info(self._cluster, self._job_id).status.is_terminal():
                    return
            failures = 0 if self._shown > shown else failures + 1
            time.sleep(_POLL_S)
        raise ClusterError(
            f"expected the log of job {self._job_id}, found a connection that breaks ({reason}); the job may go on. "
            + how_to_follow(self._cluster.address, self._job_id)
        )

    async def _tail(self) -> None:
        seen = 0
        async for piece in self._cluster.client.tail_job_logs(self._job_id):
            fresh = piece[max(self._shown - seen, 0) :]
            seen += len(piece)
            if fresh:
                self._echo(fresh)
                self._shown = seen
