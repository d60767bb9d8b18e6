"""Run in a process of its own: gradients of an objective under ZeRO-3 with checkpointed layers, against plain torch.

Prints the largest relative difference, with ``python -m tests.finetuning.zero3 PORT``.
"""

import os
import sys

import torch
import torch.distributed as dist

from brainalign.finetuning import NarfConfig, build_objective, checkpointed, gradients, guidance_inputs, trainable
from brainalign.finetuning.benchmark import leave_start
from brainalign.zoo import load_model

from .examples import activations, both, dataset, training_set

BATCHES = ([0, 3, 9], [1, 12, 15])
ENGINE = {
    "train_batch_size": 1,
    "zero_optimization": {"stage": 3, "stage3_param_persistence_threshold": 0},
    "optimizer": {"type": "AdamW", "params": {"lr": 1e-12, "torch_adam": True}},
}


def largest_difference(config: NarfConfig) -> float:
    import deepspeed
    from deepspeed.utils import safe_get_full_grad

    model = load_model("tiny-random-llama")
    objective = build_objective(training_set(), config, guidance_inputs(activations(), dataset(), config))
    found = []
    with trainable(model, config) as trained:
        leave_start(trained.named)
        plain = [gradients(objective.losses(model, rows, 3), trained.parameters).total for rows in BATCHES]
        with checkpointed(model):
            engine, *_ = deepspeed.initialize(
                model=model.module, model_parameters=list(trained.parameters), config=ENGINE, dist_init_required=False
            )
            module, model.module = model.module, engine
            for rows, expected in zip(BATCHES, plain, strict=True):
                engine.backward(objective.losses(model, rows, 3).total)
                parts = [safe_get_full_grad(parameter).flatten() for parameter in trained.parameters]
                found.append(float((torch.cat(parts) - expected).abs().max() / expected.abs().max()))
                engine.step()
            model.module = module  # its weights are partitioned for good
    return max(found)


def main() -> None:
    os.environ.update(DS_ACCELERATOR="cpu", RANK="0", LOCAL_RANK="0", WORLD_SIZE="1")
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=sys.argv[1])
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    configs = (both(), both(label_loss_weight=0.0), both(lora_rank=None))
    print(f"largest difference {max(largest_difference(config) for config in configs)}")


if __name__ == "__main__":
    main()
