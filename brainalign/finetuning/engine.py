"""The engine of training: DeepSpeed over a double of the model that shares the memory of its frozen weights."""

import copy
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from brainalign.errors import InputError
from brainalign.finetuning.process_group import ProcessGroup, import_deepspeed, local_rank
from brainalign.zoo.language_model import LanguageModel

MOMENTS = ("exp_avg", "exp_avg_sq")
"""AdamW's running means of gradients and of their squares."""


@dataclass(frozen=True)
class TrainedState:
    """Weights that are trained and their moments, whole, wherever an engine had its parts.

    Attributes
    ----------
    n_steps : int
        Steps that the optimiser has made.
    weights : mapping of str to Tensor
        float32, by the parameter's name in the module.
    moments : mapping of str to mapping of str to Tensor
        float32, by the moment's name and the parameter's.
    """

    n_steps: int
    weights: Mapping[str, Tensor]
    moments: Mapping[str, Mapping[str, Tensor]]


class Engine:
    """DeepSpeed around a double of a model.

    The model itself stays as it is: frozen weights are shared with it and never written, trained ones are copied.

    Parameters
    ----------
    model : LanguageModel
        Those of its parameters that require gradient are trained.
    settings : mapping
        DeepSpeed's.
    group : ProcessGroup
    start : TrainedState, optional
        Where to go on; by default from the model's weights.

    Attributes
    ----------
    model : LanguageModel
        The double, whose module the engine wraps: what an objective runs.
    plain : LanguageModel
        The double without the wrapping: what a validator runs.
    parameters : tuple of nn.Parameter
        Those that are trained.
    """

    def __init__(
        self, model: LanguageModel, settings: Mapping[str, Any], group: ProcessGroup, start: TrainedState | None = None
    ) -> None:
        self._stage = int(settings["zero_optimization"]["stage"])
        module = double(model.module)
        trained = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
        if not trained:
            raise InputError(f"expected parameters of {model.facts.name} to train, found none: open `trainable` first")
        _check_dtype(model, trained, self._stage)
        if start is not None:
            _write(trained, start.weights)
        self._group = group
        self._trained = trained
        self._open = ExitStack()
        self._open.enter_context(_without_notices())
        self._open.enter_context(local_rank(group.device))
        self._open.enter_context(_linear_given_back())
        self._engine = self._wrap(module, dict(settings))
        if start is not None:
            self._restore(start)
        self.model = _with_module(model, _Engaged(self._engine, module))
        self.plain = _with_module(model, module)
        self.parameters = tuple(trained.values())

    def backward(self, loss: Tensor, *, is_last: bool) -> None:
        """Add a micro-batch's gradient; the last of a step brings the workers' sums together.

        DeepSpeed takes the mean over workers. A loss is its share of the batch's, so their sum is wanted.
        """
        self._engine.set_gradient_accumulation_boundary(is_last)
        self._engine.backward(loss * self._group.size, scale_wrt_gas=False)

    def step(self, number: int) -> tuple[float, float]:
        """Clip the gradient and make the step of a number counted from 0.

        Returns
        -------
        norm, rate : float
            The gradient's norm before the clipping, and the step's learning rate.
        """
        if self._engine.lr_scheduler is not None:
            # Its own count would give the first two steps the rate zero.
            self._engine.lr_scheduler.step(number + 1)
        rate = float(self._engine.basic_optimizer.param_groups[0]["lr"])
        norm = self._plain_norm() if self._stage == 0 else math.nan
        self._engine.step()
        return (norm if self._stage == 0 else float(self._engine._global_grad_norm)), rate

    def weights(self) -> dict[str, Tensor]:
        """Trained weights, float32 on the host; every process of the group must ask."""
        from deepspeed.utils import safe_get_full_fp32_param

        get = (lambda parameter: parameter.detach()) if self._stage == 0 else safe_get_full_fp32_param
        return {name: _on_host(get(parameter), parameter) for name, parameter in self._trained.items()}

    def state(self, n_steps: int) -> TrainedState:
        """Everything to go on from after `n_steps` steps; every process of the group must ask."""
        return TrainedState(
            n_steps, self.weights(), {moment: self._moment(moment) for moment in MOMENTS} if n_steps else {}
        )

    def close(self) -> None:
        """Release the double and what DeepSpeed holds for it."""
        self._engine.destroy()
        for parameter in self.plain.module.parameters():
            # DeepSpeed keeps partitioned modules in a list of its own, for as long as the process lives.
            parameter.data = parameter.data.new_empty(0)
            parameter.grad = None
            if self._stage == 3:
                parameter.ds_tensor.data = parameter.ds_tensor.data.new_empty(0)
        self._open.close()

    def _wrap(self, module: nn.Module, settings: dict[str, Any]) -> Any:
        deepspeed = import_deepspeed()
        if self._stage == 3:
            # One weight after the other is partitioned, so that the whole never lies on a GPU.
            deepspeed.zero.Init(module=module, config_dict_or_path=settings)
            for buffer in module.buffers():
                buffer.data = buffer.data.to(self._group.device)
        for parameter in module.parameters():
            if not parameter.requires_grad:
                # The first worker's would be written over the others': the same bytes, but no longer shared memory.
                parameter.ds_optim_param = True  # type: ignore[attr-defined]
        with redirect_stdout(StringIO()):  # its optimiser for bfloat16 prints how full the memory is
            engine, *_ = deepspeed.initialize(
                model=module, model_parameters=list(self._trained.values()), config=settings, dist_init_required=False
            )
        return engine

    def _plain_norm(self) -> float:
        norms = [torch.linalg.vector_norm(p.grad) for p in self._trained.values() if p.grad is not None]
        return float(torch.linalg.vector_norm(torch.stack(norms))) if norms else 0.0

    def _moment(self, moment: str) -> dict[str, Tensor]:
        from deepspeed.utils import safe_get_full_optimizer_state

        found = {}
        for name, parameter in self._trained.items():
            if self._stage == 0:
                value = self._engine.basic_optimizer.state[parameter][moment]
            else:
                value = safe_get_full_optimizer_state(parameter, moment)
            found[name] = _on_host(value, parameter)
        return found

    @torch.no_grad()
    def _restore(self, start: TrainedState) -> None:
        """Set weights behind the partitions in full precision, and the optimiser's state."""
        if start.n_steps:
            state = self._engine.basic_optimizer.state
            for flat in self._partitions():
                state[flat] = {"step": torch.tensor(float(start.n_steps))}
                state[flat] |= {
                    moment: torch.zeros_like(flat, memory_format=torch.preserve_format) for moment in MOMENTS
                }
            if self._stage in (1, 2):
                self._engine.optimizer._lazy_init_hp_params_optimizer_state()
        for name, parameter in self._trained.items():
            self._set(parameter, None, start.weights[name])
            for moment, values in start.moments.items():
                self._set(parameter, moment, values[name])

    def _partitions(self) -> list[Tensor]:
        """Those tensors that the optimiser steps."""
        optimizer = self._engine.optimizer
        if self._stage == 0:
            return list(self._trained.values())
        for name in ("fp32_partitioned_groups_flat", "single_partition_of_fp32_groups", "fp32_groups_flat_partition"):
            if hasattr(optimizer, name):
                return list(getattr(optimizer, name))
        raise InputError(f"expected an optimiser of DeepSpeed 0.19, found {type(optimizer).__name__}: install that")

    def _set(self, parameter: nn.Parameter, moment: str | None, value: Tensor) -> None:
        from deepspeed import utils

        if self._stage == 0:
            target = parameter if moment is None else self._engine.basic_optimizer.state[parameter][moment]
            target.copy_(value)
        elif self._stage == 3:
            local = self._own_part(parameter, value)
            if moment is None:
                utils.safe_set_local_fp32_param(parameter, local)
            else:
                utils.safe_set_local_optimizer_state(parameter, local, moment)
        elif moment is None:
            utils.safe_set_full_fp32_param(parameter, value)
        else:
            utils.safe_set_full_optimizer_state(parameter, value, moment)

    def _own_part(self, parameter: nn.Parameter, value: Tensor) -> Tensor:
        """Part of a whole value that lies with this process under stage 3; the last one is padded."""
        size = parameter.ds_tensor.numel()  # type: ignore[attr-defined]
        padded = torch.zeros(size * self._group.size, dtype=torch.float32)
        padded[: value.numel()] = value.flatten()
        return padded[size * self._group.rank :][:size]


class _Engaged:
    """A module whose call runs through the engine; all else is the module's, since the engine has a ``config`` too."""

    def __init__(self, engine: Any, module: nn.Module) -> None:
        self._engine, self._module = engine, module

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._engine(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def double(module: nn.Module) -> nn.Module:
    """Copy a module's structure: frozen parameters share their memory with the original's, others are cloned.

    What is done to the copy's parameters (partitioned, cast, moved) leaves the original's alone.
    """
    shared = {
        id(parameter): nn.Parameter(
            parameter.detach().clone() if parameter.requires_grad else parameter.detach(), parameter.requires_grad
        )
        for parameter in module.parameters()
    }
    return copy.deepcopy(module, shared)


def has_bf16(model: LanguageModel) -> bool:
    """Whether bfloat16 weights are trained, for which the engine keeps others in float32.

    Adapters are float32 also on a bfloat16 base, and need none.
    """
    return any(p.requires_grad and p.dtype == torch.bfloat16 for p in model.module.parameters())


def _check_dtype(model: LanguageModel, trained: Mapping[str, nn.Parameter], stage: int) -> None:
    """Refuse types that the engine would cast, or could not step in full precision."""
    base = model.module.get_input_embeddings().weight.dtype
    found = {parameter.dtype for parameter in trained.values()}
    if base not in (torch.float32, torch.bfloat16) or len(found) > 1:
        raise InputError(
            f"expected weights of {model.facts.name} in float32 or bfloat16, found {base}: load it as one of them"
        )
    if torch.bfloat16 in found and stage == 0:
        raise InputError(
            "expected a ZeRO stage of 1 to 3 to train weights in bfloat16, found 0: only those keep them in float32 too"
        )


@torch.no_grad()
def _write(parameters: Mapping[str, nn.Parameter], weights: Mapping[str, Tensor]) -> None:
    for name, parameter in parameters.items():
        parameter.copy_(weights[name])


def _on_host(value: Tensor, parameter: nn.Parameter) -> Tensor:
    shape = getattr(parameter, "ds_shape", parameter.shape)
    return value.detach().to(device="cpu", dtype=torch.float32, copy=True).reshape(shape)


def _with_module(model: LanguageModel, module: Any) -> LanguageModel:
    """Copy the language model around another module; its constructor would freeze it."""
    other = copy.copy(model)
    other.module = module
    return other


@contextmanager
def _linear_given_back() -> Iterator[None]:
    """Give torch its own linear back: stage 3 puts one in its place, for good, that keeps frozen layers' inputs."""
    before = functional.linear
    try:
        yield
    finally:
        functional.linear = before


@contextmanager
def _without_notices() -> Iterator[None]:
    """Leave out torch's notices that DeepSpeed calls collectives by their older names, two a step."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"torch\.distributed")
        yield
