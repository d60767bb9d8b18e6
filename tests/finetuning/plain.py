"""Training by plain torch on one process: the oracle of every engine."""

import math
from collections.abc import Sequence

import torch

from brainalign.artifacts import stream
from brainalign.finetuning import NarfConfig, trainable
from brainalign.finetuning.objective import Objective
from brainalign.finetuning.training_config import TrainingConfig
from brainalign.zoo import LanguageModel

NAMES = ("a result", 7)


def rate(config: TrainingConfig, step: int, n_steps: int) -> float:
    """Linear rise, then half a cosine."""
    if config.schedule == "constant":
        return config.learning_rate
    n_rise = max(2, round(config.warmup * n_steps))
    if step + 1 < n_rise:
        return config.learning_rate * (step + 1) / n_rise
    through = (step + 2 - n_rise) / (n_steps + 2 - n_rise)
    low = config.final_rate
    return config.learning_rate * (low + (1 - low) * (1 + math.cos(math.pi * through)) / 2)


def train_plainly(
    model: LanguageModel, parameters: NarfConfig, objective: Objective, config: TrainingConfig
) -> tuple[dict[str, torch.Tensor], list[tuple[float, float, float]]]:
    """Whole batches, AdamW and clipping of torch; trained weights, and (loss, norm, rate) of each step."""
    n = objective.n_examples
    n_steps = config.n_epochs * math.ceil(n / config.batch_size)
    course = []
    with trainable(model, parameters, NAMES) as trained:
        optimizer = torch.optim.AdamW(trained.parameters, lr=1.0, weight_decay=config.weight_decay)
        for epoch in range(1, config.n_epochs + 1):
            order = stream(*NAMES, "order of examples", epoch).permutation(n).tolist()
            for start in range(0, n, config.batch_size):
                batch: Sequence[int] = order[start : start + config.batch_size]
                optimizer.zero_grad()
                loss = objective.losses(model, batch, len(batch)).total
                loss.backward()
                norm = torch.nn.utils.clip_grad_norm_(trained.parameters, config.clip or math.inf)
                optimizer.param_groups[0]["lr"] = rate(config, len(course), n_steps)
                optimizer.step()
                course.append((float(loss.detach()), float(norm), optimizer.param_groups[0]["lr"]))
        weights = {name: parameter.detach().clone() for name, parameter in trained.named.items()}
    return weights, course


def largest_difference(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    assert found.keys() == expected.keys()
    return max(float((found[name] - expected[name]).abs().max()) for name in expected)
