"""What a kind of trial says of itself, and what a worker lends it while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from brainalign.artifacts import Part, Result, content_key
from brainalign.spaces import Space
from brainalign.trials.rungs import Rungs, RungUnit

if TYPE_CHECKING:
    from brainalign.trials.context import Context
    from brainalign.zoo import ModelFacts


@dataclass(frozen=True)
class Resources:
    """What a trial asks of a cluster.

    Attributes
    ----------
    cpus, gpus, memory_gib : float
        Cores, GPUs (a fraction shares one) and host memory in GiB, of each node that it runs on.
    n_nodes : int
        Nodes that it runs on at once.
    device_memory_gib : float
        Memory that it needs on GPUs where the cluster has any, GiB; from it follows how many it asks. 0 for a trial
        that computes on the CPU everywhere, and for one that says its `gpus` itself.
    """

    cpus: float
    gpus: float
    memory_gib: float
    n_nodes: int = 1
    device_memory_gib: float = 0.0


@dataclass(frozen=True)
class DataSize:
    """How much data a trial works on; what its cost is modelled from.

    Attributes
    ----------
    n_subjects, n_voxels : int
        Subjects, and voxels of the largest ROI.
    n_problems, n_pairs : mapping of part to int
        Problems of each part, and its (subject, problem) pairs that the subject had right.
    n_prompt_tokens : int
        Tokens of a prompt, about.
    """

    n_subjects: int
    n_voxels: int
    n_problems: Mapping[Part, int]
    n_pairs: Mapping[Part, int]
    n_prompt_tokens: int = 220


@dataclass(frozen=True)
class Work:
    """What a trial computes and keeps, counted from its setting; how long that takes is `planning`'s to say.

    Attributes
    ----------
    flops : float
        Operations of matrix products, two for a multiplication with its addition.
    passes : float
        Passes through the model: each reads the weights once and starts every layer's kernels.
    kept_bytes : float
        What stays in the store.
    """

    flops: float
    passes: float
    kept_bytes: float


@dataclass(frozen=True)
class Ask:
    """One thing to compute: a setting under an arm on a part of the problems, with its replicate seed.

    ``rungs`` say where it may end early; a result that is whole does not depend on them, so no key has them.
    """

    setting: Mapping[str, Any]
    arm: str
    part: Part
    replicate: int
    rungs: Rungs = field(default_factory=Rungs)


def result_key(kind: "TrialKind", ask: Ask, context: "Context") -> str:
    """Name the result of a trial by what it depends on."""
    return content_key(f"result-{kind.name}", kind.version, kind.identity(ask, context))


class TrialKind(Protocol):
    """A kind of trial.

    A new method is one file with such a class and one line in :mod:`brainalign.trials.registry`.

    Attributes
    ----------
    name : str
        How study files call it.
    version : int
        Raised by hand when the meaning of its results changes; part of every key.
    arms : tuple of str
        The method first, then its controls.
    default_arms : tuple of str
        Those of a study that names none, the method first: enough to judge it by, and affordable.
    objectives : tuple of str
        Metrics that a search can maximise, the default first.
    minimised : tuple of str
        Metrics that a search can minimise beside them, or bound by a constraint: what a setting breaks or costs.
    selects : bool
        Whether the best setting is chosen on the selection part and reported on the report part. A kind that only
        measures is False, runs on all problems and has no winner.
    batched : bool
        Whether it computes in batches that :attr:`Context.batch_divisor` makes smaller, so that a trial which ran out
        of memory is worth another try.
    rung_unit : RungUnit or None
        What its rungs count; None for a kind that cannot be stopped early.
    """

    name: str
    version: int
    arms: tuple[str, ...]
    default_arms: tuple[str, ...]
    objectives: tuple[str, ...]
    minimised: tuple[str, ...]
    selects: bool
    batched: bool
    rung_unit: RungUnit | None

    def default_space(self) -> Space:
        """Return the space that is searched where the study file names none."""

    def default_setting(self) -> dict[str, Any]:
        """Return values for what a study file's space leaves out: those of the method's source."""

    def check(self, space: Space, model: "ModelFacts", n_subjects: int) -> None:
        """Raise InputError where a point of the space cannot run on the model or the data."""

    def resources(self, model: "ModelFacts") -> Resources:
        """Return what one trial needs on the model."""

    def work(self, ask: Ask, model: "ModelFacts", data: DataSize) -> Work:
        """Count what a trial computes and keeps: a model of its cost, no promise."""

    def identity(self, ask: Ask, context: "Context") -> dict[str, Any]:
        """Return everything that the result depends on, as JSON; its hash is the result's key."""

    def run(self, ask: Ask, context: "Context", key: str) -> Result:
        """Compute the result.

        Raises
        ------
        Halted
            The rungs of what is asked say so.
        """

    def rung_values(self, ask: Ask, result: Result) -> dict[int, float]:
        """Return what a whole result had at each rung of what is asked: what :meth:`run` judged by on the way."""
