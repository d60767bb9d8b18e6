"""One process of a tensor-parallel load: run as ``python -m tests.zoo.sharing FAMILY RANK WORLD FOLDER``."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

PROBLEMS = 2
LAYERS = (1, 2)


def observe(processes: int, family: str) -> dict[str, Any]:
    """Logits, attention outputs as a hook sees them, and answers under displacements."""
    from brainalign.activations import displaced, prefill
    from brainalign.stimuli import generate_problems, own_wording
    from brainalign.zoo import load_model

    model = load_model(f"tiny-random-{family}", processes=processes)
    problems = generate_problems(PROBLEMS, seed=3)
    ids = model.encode_problem(problems[0], own_wording())
    seen: list[torch.Tensor] = []
    with model.hook("attention", 2, seen.append):
        plain = model.forward(ids)
    added = torch.linspace(-1, 1, len(LAYERS) * model.hidden_size).reshape(len(LAYERS), -1)
    with displaced(model, "attention", LAYERS, added):
        steered = model.forward(ids)
    held = prefill(model, problems, own_wording(), first_layer=0)
    answers = held.answer(torch.tensor([0, 0]), LAYERS, torch.stack([torch.zeros_like(added), added]))
    own = sum(_local(parameter).numel() for parameter in model.layers.parameters())
    return {
        "plain": plain,
        "steered": steered,
        "seen": seen[0],
        "margin": torch.from_numpy(answers.margin),
        "layer_numbers": own,
        "weights_hash": model.weights_hash,
    }


def _local(parameter: Any) -> torch.Tensor:
    found: torch.Tensor = parameter.to_local() if hasattr(parameter, "to_local") else parameter
    return found


def main() -> None:
    family, rank, world, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world))
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=world, timeout=timedelta(minutes=5)
    )
    torch.save(observe(world, family), folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
