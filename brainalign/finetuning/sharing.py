"""Memory of trials on one frozen base: processes of a node that share it, beside processes with one each."""

import ctypes
import gc
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from brainalign.errors import InputError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from brainalign.zoo import LanguageModel

MIB = 1 << 20
_ROLLUP = Path("/proc/self/smaps_rollup")


@dataclass(frozen=True)
class SharingBenchmark:
    """Memory of processes that train adapters on the same model at the same time, MiB.

    A process's proportional set size (PSS) has its own memory and its part of what it shares, so sizes add up. All are
    measured after a training, when the adapters' weights and moments have been there.

    Attributes
    ----------
    n_processes : int
    base_mib : float
        Weights of the frozen base.
    before_mib : float
        Mean of the processes before they load the model: the interpreter and its libraries.
    shared_mib, own_mib : float
        Mean of the processes with the weights mapped from one file, and with a copy each.
    saved : float
        What sharing saves over the further processes' copies: about 1 where they cost none of the base.
    in_turn_mib : float
        One process, after as many trainings in turn as there are processes.
    """

    n_processes: int
    base_mib: float
    before_mib: float
    shared_mib: float
    own_mib: float
    saved: float
    in_turn_mib: float


def measure_sharing(model: str = "smollm2-135m", *, n_processes: int = 2) -> SharingBenchmark:
    """Train adapters in processes that share the base, in processes with a copy each, and in turn in one.

    Raises
    ------
    InputError
        Fewer than two processes, or a system that does not tell proportional set sizes.
    """
    if n_processes < 2 or not _ROLLUP.is_file():
        raise InputError(
            f"expected two processes or more and {_ROLLUP}, found {n_processes} and "
            f"{'that file' if _ROLLUP.is_file() else 'none'}: measure on Linux"
        )
    shared = _measure(model, n_processes, copies=False, n_trainings=1)
    own = _measure(model, n_processes, copies=True, n_trainings=1)
    in_turn = _measure(model, 1, copies=False, n_trainings=n_processes)
    base = shared[0]["base"]
    shared_mib, own_mib = _mean(shared, "after"), _mean(own, "after")
    return SharingBenchmark(
        n_processes=n_processes,
        base_mib=base,
        before_mib=_mean(shared, "before"),
        shared_mib=shared_mib,
        own_mib=own_mib,
        saved=n_processes * (own_mib - shared_mib) / ((n_processes - 1) * base),
        in_turn_mib=in_turn[0]["after"],
    )


def _mean(found: list[dict[str, float]], name: str) -> float:
    return sum(facts[name] for facts in found) / len(found)


def _measure(model: str, n_processes: int, *, copies: bool, n_trainings: int) -> list[dict[str, float]]:
    context = get_context("spawn")
    together = context.Barrier(n_processes)
    pipes = [context.Pipe() for _ in range(n_processes)]
    settings = {"model": model, "copies": copies, "n_trainings": n_trainings}
    processes = [context.Process(target=_train, args=(child, together, settings)) for _, child in pipes]
    for process in processes:
        process.start()
    for _, child in pipes:
        child.close()
    try:
        return [parent.recv() for parent, _ in pipes]
    finally:
        for process in processes:
            process.join()


def _train(pipe: "Connection", together: Any, settings: dict[str, Any]) -> None:
    """Load, train and measure in a process, each stage with the others at the same point."""
    import torch

    import brainalign.finetuning.training  # noqa: F401 - its libraries belong to what is there before the model
    from brainalign.finetuning.process_group import import_deepspeed
    from brainalign.zoo import load_model

    import_deepspeed()
    torch.set_num_threads(1)
    together.wait()
    before = _proportional_mib()
    together.wait()
    model = load_model(settings["model"])
    if settings["copies"]:
        for parameter in model.module.parameters():
            parameter.data = parameter.data.clone()
    for number in range(settings["n_trainings"]):
        _train_once(model, number)
    together.wait()
    after = _proportional_mib()
    together.wait()
    n_bytes = sum(parameter.numel() * parameter.element_size() for parameter in model.module.parameters())
    pipe.send({"before": before, "after": after, "base": n_bytes / MIB})


def _train_once(model: "LanguageModel", number: int) -> None:
    """Train adapters on the label of two short problems."""
    from brainalign.finetuning import NarfConfig, TrainingSet, build_objective
    from brainalign.finetuning.distributed import trained
    from brainalign.finetuning.training import Training
    from brainalign.finetuning.training_config import TrainingConfig
    from brainalign.steering import middle_half
    from brainalign.stimuli import generate_problems, own_wording

    parameters = NarfConfig(layers=middle_half(model.n_layers), train_weight=0.0, label_loss_weight=1.0)
    problems = generate_problems(24, seed=number)
    examples = TrainingSet.encode(model, problems.subset(problems.ids[:2]), own_wording())
    objective = build_objective(examples, parameters)
    with TemporaryDirectory() as folder:
        training = Training(objective, TrainingConfig(n_epochs=2), ("sharing", number), Path(folder))
        with trained(model, parameters, training):
            pass


def _proportional_mib() -> float:
    """Memory of this process, shared pages counted by their share, without what its allocator holds but nobody uses."""
    gc.collect()
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if give_back is not None:
        give_back(0)
    line = next(line for line in _ROLLUP.read_text(encoding="utf-8").splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024
