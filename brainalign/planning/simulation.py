"""A study played through on a cluster, event by event, with the driver's own packing."""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from brainalign.errors import ClusterError
from brainalign.planning.packing import Claim, Cluster, Load, Offer, Room, choose, n_at_once
from brainalign.study import Branch
from brainalign.trials import Resources


@dataclass(frozen=True)
class Chain:
    """The trials of a branch, as a schedule sees them.

    Attributes
    ----------
    branch : Branch
    needs : Resources
        Of each trial, on this cluster.
    seconds : sequence of float
        Time of each trial by number, s; trials that are done already are 0 long.
    waits : sequence of int
        How many of the first trials each trial waits for; never falling.
    report_s : float or None
        Time of a reading on the report part, which waits for all trials; None where there is none.
    n_done : int
        Trials that are done before the start.
    n_reports : int
        Readings on the report part, which do not wait for one another.
    """

    branch: Branch
    needs: Resources
    seconds: Sequence[float]
    waits: Sequence[int]
    report_s: float | None
    n_done: int = 0
    n_reports: int = 1

    @property
    def reports_s(self) -> float:
        """Time of all readings on the report part together, s."""
        return self.n_reports * (self.report_s or 0.0)


@dataclass(frozen=True)
class Schedule:
    """How a simulated study went.

    Attributes
    ----------
    makespan_s : float
        From the first start to the last end, s.
    lower_bound_s : float
        No schedule is shorter, see :func:`lower_bound_s`.
    work_s : float
        Busy time, s: GPU-seconds on a cluster with GPUs, core-seconds on others; loading of models included.
    loads : int
        Times that a model was loaded into a slot.
    busy : float
        Share of the cluster that was busy until the makespan.
    """

    makespan_s: float
    lower_bound_s: float
    work_s: float
    loads: int
    busy: float


@dataclass(eq=False)
class _State:
    """Progress of a chain."""

    chain: Chain
    next_number: int = 0
    prefix: int = 0
    done: set[int] = field(default_factory=set)
    after: list[float] = field(default_factory=list)
    n_reports_left: int = 0

    def __post_init__(self) -> None:
        self.next_number = self.prefix = self.chain.n_done
        self.after = _after(self.chain)
        self.n_reports_left = 0 if self.chain.report_s is None else self.chain.n_reports

    @property
    def n_trials(self) -> int:
        return len(self.chain.seconds)

    @property
    def ready(self) -> bool:
        if self.next_number < self.n_trials:
            return self.chain.waits[self.next_number] <= self.prefix
        return self.n_reports_left > 0 and self.prefix == self.n_trials

    @property
    def next_s(self) -> float:
        return self.chain.seconds[self.next_number] if self.next_number < self.n_trials else self.chain.report_s or 0.0

    @property
    def tail_s(self) -> float:
        return self.after[min(self.next_number, self.n_trials)]

    def start(self) -> int:
        number = self.next_number
        if number < self.n_trials:
            self.next_number += 1
        else:
            self.n_reports_left -= 1
        return number

    def finish(self, number: int) -> None:
        if number == self.n_trials:
            return  # a reading on the report part, which nothing waits for
        self.done.add(number)
        while self.prefix in self.done:
            self.done.remove(self.prefix)
            self.prefix += 1


def _after(chain: Chain) -> list[float]:
    """Longest time from the start of each trial, or of one behind it, to the end of the chain, s; the report last."""
    n, report_s = len(chain.seconds), chain.report_s or 0.0
    after = [0.0] * n + [report_s]
    latest, first_waiting = report_s, n  # of what waits for this trial: the report, and trials from `first_waiting` on
    for number in range(n - 1, -1, -1):
        while chain.waits[first_waiting - 1] > number:
            first_waiting -= 1
            latest = max(latest, after[first_waiting])
        after[number] = chain.seconds[number] + latest
    for number in range(n - 2, -1, -1):
        after[number] = max(after[number], after[number + 1])
    return after


def amount(needs: Resources, cluster: Cluster) -> float:
    """Count what a trial keeps busy: GPUs where the cluster has some, else cores."""
    return (needs.gpus if cluster.n_gpus else needs.cpus) * needs.n_nodes


def lower_bound_s(chains: Sequence[Chain], cluster: Cluster, load_s: Mapping[str, float]) -> float:
    """Time that no schedule is shorter than, s: the longest chain, or all work over the whole cluster.

    Either includes the loading of models that no schedule can avoid. A chain begins with a load. In a schedule of T
    seconds a place with model m works T - load(m) seconds at most, so with the work W(m) of each model in GPU-seconds a
    cluster of G GPUs needs T with sum over m of W(m) / (T - load(m)) <= G.
    """
    longest = max((load_s.get(chain.branch.model, 0.0) + _State(chain).tail_s for chain in chains), default=0.0)
    work: dict[float, float] = {}
    for chain in chains:
        loading = load_s.get(chain.branch.model, 0.0)
        busy = amount(chain.needs, cluster) * (math.fsum(chain.seconds) + chain.reports_s)
        work[loading] = work.get(loading, 0.0) + busy
    return max(longest, _shortest_s(work, cluster.n_gpus or cluster.n_cpus))


def _shortest_s(work: Mapping[float, float], capacity: float) -> float:
    """Smallest T with sum of work / (T - loading) <= capacity, by halving an interval that holds it."""
    some = {loading: busy for loading, busy in work.items() if busy > 0}
    if not some:
        return 0.0
    low, high = max(some), max(some) + sum(some.values()) / capacity
    for _ in range(60):
        middle = (low + high) / 2
        fits = middle > low and sum(busy / (middle - loading) for loading, busy in some.items()) <= capacity
        low, high = (low, middle) if fits else (middle, high)
    return high


def simulate(chains: Sequence[Chain], cluster: Cluster, load_s: Mapping[str, float]) -> Schedule:
    """Play a study through.

    Parameters
    ----------
    chains : sequence of Chain
    cluster : Cluster
    load_s : mapping of model to float
        Time to load a model into a slot that is not warm for it, s.

    Raises
    ------
    ClusterError
        A trial fits the cluster nowhere.
    """
    play = _Play(chains, cluster, load_s)
    play.start_all()
    while play.running:
        play.finish_one()
        play.start_all()
    capacity = cluster.n_gpus or cluster.n_cpus
    busy = play.work_s / (play.now * capacity) if play.now else 0.0
    return Schedule(play.now, lower_bound_s(chains, cluster, load_s), play.work_s, play.loads, busy)


class _Play:
    """The clock, the room and the chains of a simulation."""

    def __init__(self, chains: Sequence[Chain], cluster: Cluster, load_s: Mapping[str, float]) -> None:
        self.cluster, self._load_s = cluster, load_s
        self.room, self.now, self.work_s, self.loads = Room(cluster), 0.0, 0.0, 0
        self.running: list[tuple[float, int, _State, int, Claim]] = []
        self._count = 0
        for chain in chains:
            if not self.room.can_ever(chain.needs):
                raise ClusterError(
                    f"expected a cluster with room for {chain.branch} ({chain.needs.gpus:g} GPUs on each of "
                    f"{chain.needs.n_nodes} nodes), found none: plan with larger nodes"
                )
        self._groups: dict[tuple[str, Resources], list[_State]] = {}
        for chain in chains:
            self._groups.setdefault((chain.branch.model, chain.needs), []).append(_State(chain))
        self._at_once = {key: n_at_once(key[1], cluster) for key in self._groups}
        self._offered: dict[tuple[str, Resources], Offer] = {}
        self._changed = set(self._groups)
        self._n_running = dict.fromkeys(self._groups, 0)
        self._n_left = {key: sum(_n_left(state) for state in states) for key, states in self._groups.items()}
        self._left = {key: sum(_left_s(state) for state in states) for key, states in self._groups.items()}

    @property
    def horizon_s(self) -> float:
        """Work that has not started, over the cluster, s."""
        work = sum(amount(key[1], self.cluster) * left for key, left in self._left.items())
        return work / (self.cluster.n_gpus or self.cluster.n_cpus)

    def start_all(self) -> None:
        """Start trials until no more fit."""
        while (chosen := choose(self._offers(), self.room, self.horizon_s)) is not None:
            offer, claim = chosen
            state: _State = offer.key  # type: ignore[assignment]
            warm = self.room.is_warm(offer.model, claim)
            self.room.take(claim)
            seconds = state.next_s
            key = (offer.model, offer.needs)
            self._left[key] -= seconds
            self._n_left[key] -= 1
            self._n_running[key] += 1
            self._changed.add(key)
            loading = 0.0 if warm else self._load_s.get(offer.model, 0.0)
            self.loads += not warm
            self.work_s += amount(offer.needs, self.cluster) * (seconds + loading)
            self._count += 1
            heapq.heappush(self.running, (self.now + loading + seconds, self._count, state, state.start(), claim))

    def _offers(self) -> list[Offer]:
        """Best trial of each model that may start, the one with the longest tail; only what changed is made anew."""
        for key in self._changed:
            best = max((state for state in self._groups[key] if state.ready), key=_by_tail, default=None)
            if best is None:
                self._offered.pop(key, None)
            else:
                self._offered[key] = self._load(key).offer(best, *key, best.tail_s)
        self._changed.clear()
        return list(self._offered.values())

    def _load(self, key: tuple[str, Resources]) -> Load:
        load_s = self._load_s.get(key[0], 0.0)
        return Load(self._left[key], self._n_left[key], self._n_running[key], self._at_once[key], load_s)

    def finish_one(self) -> None:
        """Go on to the next end of a trial."""
        self.now, _, state, number, claim = heapq.heappop(self.running)
        state.finish(number)
        key = (state.chain.branch.model, state.chain.needs)
        self._n_running[key] -= 1
        self._changed.add(key)
        self.room.give_back(claim, key[0])
        self.room.keep(*key, self._load(key).n_kept)


def _left_s(state: _State) -> float:
    left = math.fsum(state.chain.seconds[state.next_number :])
    return left + state.n_reports_left * (state.chain.report_s or 0.0)


def _n_left(state: _State) -> int:
    return state.n_trials - state.next_number + state.n_reports_left


def _by_tail(state: _State) -> float:
    return state.tail_s
