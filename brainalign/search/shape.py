"""What the Ray cluster has, as planning sees it."""

from typing import Any

import ray

from brainalign.planning import Cluster, Node

GIB = float(1 << 30)
_PROBE_TIMEOUT_S = 120.0


def ray_cluster(gpu_memory_gib: float) -> Cluster:
    """Nodes that are alive now.

    Parameters
    ----------
    gpu_memory_gib : float
        Memory of a GPU, see :func:`probe_gpu_memory`; 0 leaves GPUs out.
    """
    nodes = []
    for facts in sorted(alive_nodes(), key=lambda facts: str(facts["NodeID"])):
        has = facts["Resources"]
        gpus = int(has.get("GPU", 0)) if gpu_memory_gib else 0
        nodes.append(Node(float(has.get("CPU", 0)), gpus, float(has.get("memory", 0)) / GIB))
    return Cluster(tuple(nodes), gpu_memory_gib)


def alive_nodes() -> list[dict[str, Any]]:
    """Ray's account of the nodes that are alive."""
    return [node for node in ray.nodes() if node["Alive"]]


def probe_gpu_memory() -> float:
    """Ask a node with GPUs how much memory each has, GiB; 0 where there is none that torch can use."""
    if not any(node["Resources"].get("GPU", 0) for node in alive_nodes()):
        return 0.0
    task = ray.remote(num_cpus=0, num_gpus=0.01)(_gpu_memory_gib).remote()
    try:
        return float(ray.get(task, timeout=_PROBE_TIMEOUT_S))
    except (ray.exceptions.RayError, TimeoutError):
        ray.cancel(task, force=True)
        return 0.0


def _gpu_memory_gib() -> float:
    import torch

    if not torch.cuda.is_available():
        return 0.0
    return float(min(torch.cuda.get_device_properties(i).total_memory for i in range(torch.cuda.device_count())) / GIB)
