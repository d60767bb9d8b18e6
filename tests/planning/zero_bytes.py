"""One of two processes that train under ZeRO: ``python -m tests.planning.zero_bytes RANK STAGE DTYPE MEETING``.

Prints by how many bytes the tensors of the process have grown since the model was loaded.
"""

import gc
import os
import sys
from typing import Any

import torch

BUCKET = 100_000


def live_bytes() -> int:
    """Bytes of all storages that a tensor of this process holds."""
    gc.collect()
    held: dict[int, int] = {}
    for found in gc.get_objects():
        if issubclass(type(found), torch.Tensor) and found.device.type == "cpu":
            storage = found.untyped_storage()
            held[storage._cdata] = storage.nbytes()
    return sum(held.values())


def settings(stage: int, dtype: str) -> dict[str, Any]:
    sizes = {"reduce_bucket_size": BUCKET, "stage3_prefetch_bucket_size": BUCKET, "overlap_comm": False}
    zero = {"stage": stage, **(sizes if stage else {}), "contiguous_gradients": True}
    low = {"bf16": {"enabled": True}, "data_types": {"grad_accum_dtype": "fp32"}} if dtype == "bfloat16" else {}
    optimiser = {"type": "AdamW", "params": {"torch_adam": True, "lr": 1e-4}}
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "optimizer": optimiser,
        "zero_optimization": zero,
        **low,
    }


def main() -> None:
    rank, stage, dtype, meeting = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE="2", DS_ACCELERATOR="cpu", LOCAL_SIZE="2")
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=int(rank), world_size=2)
    import deepspeed

    from brainalign.finetuning import NarfConfig, trainable
    from brainalign.zoo import load_model

    model = load_model("tiny-random-llama", dtype=dtype)
    with trainable(model, NarfConfig(layers=(1, 2), lora_rank=None)) as trained:
        before = live_bytes()
        engine, *_ = deepspeed.initialize(
            model=model.module,
            model_parameters=list(trained.parameters),
            config=settings(stage, dtype),
            dist_init_required=False,
        )
        for is_last in (False, True):
            loss = engine(input_ids=torch.arange(1, 20)[None]).logits.float().square().mean()
            engine.backward(loss)
            del loss
            if not is_last:
                engine.step()
        print("grown", live_bytes() - before, flush=True)


if __name__ == "__main__":
    main()
