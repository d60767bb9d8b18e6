"""Where trials go on a cluster: what fits, and which of the trials that may start gets the room.

The driver and the simulation ask the same functions, so a plan is made with the policy that then runs.
"""

import heapq
import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from brainalign.trials import Resources

FILL = 0.92
"""Share of a GPU's memory that trials may fill; the rest is the driver's and fragmentation's."""
MOST_SHARING = 8
"""Trials that share one GPU at most: each has a process and its own kernels."""
KEPT_SHARE = 0.25
"""A place waits for its own model up to this share of the time that loading it again would take."""
_EPSILON = 1e-9


@dataclass(frozen=True)
class Node:
    """What a node has: CPU cores, GPUs and host memory in GiB."""

    cpus: float
    gpus: int = 0
    memory_gib: float = math.inf


@dataclass(frozen=True)
class Cluster:
    """Nodes, and the memory of each of their GPUs in GiB (0 where there are none)."""

    nodes: tuple[Node, ...]
    gpu_memory_gib: float = 0.0

    @cached_property
    def n_gpus(self) -> int:
        """GPUs of all nodes."""
        return sum(node.gpus for node in self.nodes)

    @cached_property
    def n_cpus(self) -> float:
        """Cores of all nodes."""
        return sum(node.cpus for node in self.nodes)


def uniform_cluster(n_nodes: int, gpus_per_node: int, gpu_memory_gib: float, cpus_per_node: float) -> Cluster:
    """Cluster of equal nodes."""
    return Cluster((Node(cpus_per_node, gpus_per_node),) * n_nodes, gpu_memory_gib if gpus_per_node else 0.0)


def demand(needs: Resources, cluster: Cluster) -> Resources:
    """Say what a trial asks of a cluster: on one with GPUs, as many as its memory takes; on others, none.

    A trial that fits a GPU several times shares it with its like; one that fits none takes whole GPUs, of several nodes
    where one has too few.
    """
    if not cluster.n_gpus or not needs.device_memory_gib:
        return replace(needs, device_memory_gib=0.0)  # kinds that differ in nothing else share their warm places
    share = needs.device_memory_gib / (FILL * cluster.gpu_memory_gib)
    if share <= 1:
        return replace(needs, gpus=1 / min(MOST_SHARING, math.floor(1 / share)))
    per_node = max(node.gpus for node in cluster.nodes)
    n_nodes = math.ceil(math.ceil(share) / per_node)
    return replace(
        needs, gpus=math.ceil(math.ceil(share) / n_nodes), n_nodes=n_nodes, memory_gib=needs.memory_gib / n_nodes
    )


@dataclass(frozen=True)
class Claim:
    """Room that a trial has: nodes, the GPUs of each, and what it asked."""

    nodes: tuple[int, ...]
    gpus: tuple[tuple[int, ...], ...]
    needs: Resources


@dataclass(frozen=True)
class Offer:
    """A trial that may start.

    Attributes
    ----------
    key : hashable
        Whose it is; the caller's own name.
    model : str
        What a place must have loaded to be warm for it.
    needs : Resources
        What it asks of this cluster, see :func:`demand`.
    tail_s : float
        Time from its start to the end of all that waits for it, were the whole cluster its model's, s.
    finish_s : float
        The same with the places that its model has now, s.
    worth_loading : bool
        Whether it may go to a place that does not have its model loaded.
    may_grow : bool
        Whether the cluster could hold more trials of its size than run now: if not, it waits for its own like.
    load_s : float
        Time until a place that does not have its model loaded is ready for it, s.
    """

    key: Hashable
    model: str
    needs: Resources
    tail_s: float
    finish_s: float
    worth_loading: bool = True
    may_grow: bool = True
    load_s: float = 0.0


@dataclass(frozen=True)
class Load:
    """How much is left of the trials of one model and size.

    Attributes
    ----------
    left_s : float
        Trials that have not started, one after another, s.
    n_left : int
        How many those are.
    n_running : int
        Trials that run now.
    n_at_once : int
        Trials of the size that the cluster holds when it is empty.
    load_s : float
        Time until a place that does not have the model loaded is ready for it, s.
    """

    left_s: float
    n_left: int
    n_running: int
    n_at_once: int
    load_s: float

    def offer(self, key: Hashable, model: str, needs: Resources, chain_s: float) -> Offer:
        """Offer a trial of which a chain of so many seconds hangs.

        One more place is worth loading where it brings the end nearer than loading takes.
        """
        return Offer(
            key,
            model,
            needs,
            tail_s=max(chain_s, self.left_s / max(self.n_at_once, 1)),
            finish_s=self.load_s + max(chain_s, self.left_s / max(self.n_running, 1)),
            worth_loading=self.n_running == 0 or self.left_s > self.n_running * self.load_s,
            may_grow=self.n_running < self.n_at_once,
            load_s=self.load_s,
        )

    @property
    def n_kept(self) -> int:
        """Warm places that are better kept for the model than given to another while no trial of it may start.

        That is where its next trial may be expected much sooner than the model could be loaded again.
        """
        if not self.n_left or not self.n_running:
            return 0
        next_s = self.left_s / self.n_left / self.n_running
        return self.n_left if next_s <= KEPT_SHARE * self.load_s else 0


@dataclass
class _Free:
    """What of a node is free; of each GPU a share."""

    cpus: float
    memory_gib: float
    gpus: list[float]
    n_whole: int = field(init=False)
    largest: float = field(init=False)

    def __post_init__(self) -> None:
        self._count()

    def _count(self) -> None:
        self.n_whole = sum(share > 1 - _EPSILON for share in self.gpus)
        self.largest = max(self.gpus, default=0.0)

    def fits(self, needs: Resources) -> bool:
        if self.cpus + _EPSILON < needs.cpus or self.memory_gib + _EPSILON < needs.memory_gib:
            return False
        if needs.gpus >= 1:
            return self.n_whole >= needs.gpus
        return not needs.gpus or self.largest + _EPSILON >= needs.gpus

    def choose_gpus(self, needs: Resources) -> tuple[int, ...]:
        """Whole ones, or the fullest that has room for a share: so that whole ones stay whole."""
        if needs.gpus >= 1:
            whole = [index for index, share in enumerate(self.gpus) if share > 1 - _EPSILON]
            return tuple(whole[: math.ceil(needs.gpus)])
        if not needs.gpus:
            return ()
        fitting = [(share, index) for index, share in enumerate(self.gpus) if share + _EPSILON >= needs.gpus]
        return (min(fitting)[1],)

    def change(self, needs: Resources, gpus: Iterable[int], sign: int) -> None:
        self.cpus += sign * needs.cpus
        self.memory_gib += sign * needs.memory_gib
        for index in gpus:
            self.gpus[index] += sign * min(needs.gpus, 1.0)
        self._count()


class Room:
    """What of a cluster is free, and which free places still have a model loaded.

    Parameters
    ----------
    cluster : Cluster
        Empty at first.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.warm: list[tuple[str, Claim]] = []
        self._kept: dict[tuple[str, Resources], list[Claim]] = {}
        self._free = [_Free(node.cpus, node.memory_gib, [1.0] * node.gpus) for node in cluster.nodes]
        # Nodes that have room, for each size that was ever asked: kept up to date, as a search asks thousands of times.
        self._fitting: dict[Resources, set[int]] = {}
        self._able: dict[Resources, frozenset[int]] = {}

    def find(self, needs: Resources, without: frozenset[int] = frozenset()) -> Claim | None:
        """Place for a trial on the fullest nodes that have room, some nodes left out; None where there is none."""
        if needs not in self._fitting:
            self._fitting[needs] = {index for index, free in enumerate(self._free) if free.fits(needs)}
        fitting = self._fitting[needs] - without
        if len(fitting) < needs.n_nodes:
            return None
        fullest = heapq.nsmallest(needs.n_nodes, fitting, key=self._fullness)
        return Claim(tuple(fullest), tuple(self._free[i].choose_gpus(needs) for i in fullest), needs)

    def _fullness(self, index: int) -> tuple[int, float, float, int]:
        free = self._free[index]
        return free.n_whole, free.largest, free.cpus, index

    def able(self, needs: Resources) -> frozenset[int]:
        """Nodes that have room for the trial, or for its share of nodes, when they are empty."""
        if needs not in self._able:
            empty = enumerate(_Free(node.cpus, node.memory_gib, [1.0] * node.gpus) for node in self.cluster.nodes)
            self._able[needs] = frozenset(index for index, free in empty if free.fits(needs))
        return self._able[needs]

    def can_ever(self, needs: Resources) -> bool:
        """Whether the trial fits the cluster when it is empty."""
        return len(self.able(needs)) >= needs.n_nodes

    def still_free(self, claim: Claim) -> bool:
        """Whether a place that was given back has not been taken since."""
        for node, gpus in zip(claim.nodes, claim.gpus, strict=True):
            free = self._free[node]
            if not free.fits(claim.needs):
                return False
            if any(free.gpus[index] + _EPSILON < min(claim.needs.gpus, 1.0) for index in gpus):
                return False
        return True

    def take(self, claim: Claim) -> None:
        """Give a place to a trial; what stood there warm is gone."""
        for (model, _), kept in self._kept.items():
            if claim in kept:
                kept.remove(claim)
                self.give_back(claim, model)
                break
        self._change(claim, -1)
        for entry in self.warm:
            if entry[1] == claim:
                self.warm.remove(entry)
                break
        touched = set(claim.nodes)
        self.warm = [entry for entry in self.warm if not touched & set(entry[1].nodes) or self.still_free(entry[1])]

    def give_back(self, claim: Claim, model: str) -> None:
        """Take a place back from a trial; it stays warm for the trial's model."""
        self._change(claim, 1)
        self.warm.append((model, claim))

    def keep(self, model: str, needs: Resources, n_places: int) -> None:
        """Keep up to so many warm places of a size from other models; fewer than before lets the others go."""
        kept = self._kept.setdefault((model, needs), [])
        while len(kept) > n_places:
            self.give_back(kept.pop(), model)
        for entry in reversed(self.warm if len(kept) < n_places else []):
            if entry[0] == model and entry[1].needs == needs and len(kept) < n_places:
                self.take(entry[1])
                kept.append(entry[1])

    def is_warm(self, model: str, claim: Claim) -> bool:
        """Whether a free place still has the model loaded."""
        return claim in self._kept.get((model, claim.needs), ()) or (model, claim) in self.warm

    def warm_place(self, model: str, needs: Resources) -> Claim | None:
        """Free place that still has the model loaded, the last one freed first."""
        kept = self._kept.get((model, needs))
        if kept:
            return kept[-1]
        for name, claim in reversed(self.warm):
            if name == model and claim.needs == needs:
                return claim
        return None

    def _change(self, claim: Claim, sign: int) -> None:
        for node, gpus in zip(claim.nodes, claim.gpus, strict=True):
            free = self._free[node]
            free.change(claim.needs, gpus, sign)
            for needs, fitting in self._fitting.items():
                if free.fits(needs):
                    fitting.add(node)
                else:
                    fitting.discard(node)

    def reserve(self, needs: Resources) -> frozenset[int]:
        """Nodes that a trial shall have as soon as they are empty enough: those nearest to it."""
        nearest = sorted(self.able(needs), key=self._fullness, reverse=True)
        return frozenset(nearest[: needs.n_nodes])


def choose(offers: Sequence[Offer], room: Room, horizon_s: float) -> tuple[Offer, Claim] | None:
    """Choose which trial starts now, and where; None where none fits.

    Trials that would end the study late come first: those whose tail is as long as all the work left would take on the
    whole cluster; one whose model is loaded goes before others whose tails are longer by less than loading takes.
    Then a place that has a model loaded is offered that model. Then the model that would end last with the places that
    it has, if one more place brings its end nearer than loading takes.
    The first of the urgent ones that fits nowhere keeps the nodes nearest to it, so that a model of many GPUs is not
    starved by small ones that always fit; the others go elsewhere.

    Parameters
    ----------
    offers : sequence of Offer
    room : Room
    horizon_s : float
        Work that is left over what the cluster has, s.
    """
    ranked = sorted(offers, key=lambda offer: -offer.tail_s)
    urgent = [offer for offer in ranked if offer.tail_s >= horizon_s]
    urgent.sort(key=lambda offer: -offer.tail_s - (offer.load_s if room.warm_place(offer.model, offer.needs) else 0.0))
    reserved: frozenset[int] = frozenset()
    for offer in urgent:
        claim = room.warm_place(offer.model, offer.needs) or _cold_place(offer, room, reserved)
        if claim is not None and not reserved & set(claim.nodes):
            return offer, claim
        if claim is None and not reserved and offer.worth_loading and offer.may_grow and room.can_ever(offer.needs):
            reserved = room.reserve(offer.needs)
    for offer in ranked:
        claim = room.warm_place(offer.model, offer.needs)
        if claim is not None and not reserved & set(claim.nodes):
            return offer, claim
    for offer in sorted(offers, key=lambda offer: -offer.finish_s):
        claim = _cold_place(offer, room, reserved)
        if claim is not None:
            return offer, claim
    return None


def _cold_place(offer: Offer, room: Room, without: frozenset[int]) -> Claim | None:
    return room.find(offer.needs, without) if offer.worth_loading else None


def n_at_once(needs: Resources, cluster: Cluster) -> int:
    """Trials of a size that an empty cluster holds."""
    room, count = Room(cluster), 0
    while (claim := room.find(needs)) is not None:
        room.take(claim)
        count += 1
    return count
