"""Which place of a study starts next, by the packing that plans are made with."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice

from brainalign.artifacts import Store, TrialRow
from brainalign.planning import Claim, Cluster, CostModel, Load, Offer, Room, choose, demand, n_at_once
from brainalign.planning.draws import drawn_settings
from brainalign.planning.plan import GIB
from brainalign.planning.simulation import amount
from brainalign.search.ledger import Ledger
from brainalign.study import Branch, Place, Study, n_awaited
from brainalign.trials import DataSize, Resources, trial_kind
from brainalign.zoo import model_facts

LOOK_EVERY_S = 2.0
"""How often the cluster is asked which nodes it has."""
LEARNED = 0.3
"""Weight of a trial that has ended against what was expected before."""
_N_DRAWN = 8
Size = tuple[str, Resources]


def cost_model(store: Store, study: Study, cluster: Cluster, data: DataSize) -> CostModel:
    """Costs of a study's trials on a cluster, from all finished trials of the store."""
    kinds = set(study.kinds)
    rows = [row for name in store.studies() for row in store.read_trials(name) if row.kind in kinds]
    return CostModel(cluster, data, rows)


class Slots:
    """The driver's book of which trial runs where.

    Ray chooses the node itself; this book says how many of which size are asked for at once, so that no request stands
    before others that would fit, and which model a freed place is offered.

    Parameters
    ----------
    ledger : Ledger
    costs : CostModel
    look : callable
        Tells the cluster as it is now.
    """

    def __init__(self, ledger: Ledger, costs: CostModel, look: Callable[[], Cluster]) -> None:
        self._ledger, self.costs, self._look = ledger, costs, look
        self._room, self._looked = Room(costs.cluster), time.monotonic()
        self._claims: dict[Place, Claim | None] = {}
        self._sizes = {branch: self._size(branch) for branch in ledger.branches}
        drawn = {branch: self._draw(branch) for branch in ledger.branches}
        self._seconds = {branch: math.fsum(seconds) / len(seconds) for branch, (seconds, _) in drawn.items()}
        self._kept_gib = {branch: math.fsum(kept) / len(kept) / GIB for branch, (_, kept) in drawn.items()}
        self._load_s = {model: costs.load_s(model_facts(model)) for model in ledger.study.models}
        self._at_once: dict[Size, int] = {}

    def _size(self, branch: Branch) -> Size:
        needs = trial_kind(branch.kind).resources(model_facts(branch.model))
        return branch.model, demand(needs, self.costs.cluster)

    def _draw(self, branch: Branch) -> tuple[list[float], list[float]]:
        """Seconds and bytes of a few settings that the branch will about try."""
        settings = list(islice(drawn_settings(self._ledger.study, branch), _N_DRAWN))
        seconds = [self.costs.seconds(branch, setting).value for setting in settings]
        return seconds, [self.costs.work(branch, setting).kept_bytes for setting in settings]

    def needs(self, branch: Branch) -> Resources:
        """Return what a trial of the branch asks of the cluster."""
        return self._sizes[branch][1]

    def can_ever(self, branch: Branch) -> bool:
        """Whether a trial of the branch fits the cluster when it is empty."""
        return self._room.can_ever(self.needs(branch))

    def model_needs(self, model: str) -> Resources:
        """Say what it takes to load a model and read its states."""
        memory = model_facts(model).memory_gib
        return demand(Resources(cpus=1, gpus=0, memory_gib=memory, device_memory_gib=memory), self.costs.cluster)

    def expected_s(self, branch: Branch) -> float:
        """Time that a trial of the branch is expected to take, s."""
        return self._seconds[branch]

    def expected_gib(self, branch: Branch) -> float:
        """Return what a trial of the branch is expected to leave in the store, GiB."""
        return self._kept_gib[branch]

    def choose(self) -> Place | None:
        """Place that starts now; None where none may, or none fits.

        Where nothing runs and nothing fits, a place is given all the same: it waits until the cluster grows.
        """
        self._refresh()
        ready = self._ledger.ready_places()
        n_left = self._ledger.n_left()
        loads = self._loads(n_left)
        offers = [self._offer(place, n_left[place.branch], loads) for place in ready]
        capacity = self.costs.cluster.n_gpus or self.costs.cluster.n_cpus or 1
        work = sum(amount(size[1], self.costs.cluster) * load.left_s for size, load in loads.items())
        chosen = choose(offers, self._room, work / capacity)
        if chosen is not None:
            offer, claim = chosen
            self._room.take(claim)
            place: Place = offer.key  # type: ignore[assignment]
            self._claims[place] = claim
            return place
        n_waiting = sum(claim is None for claim in self._claims.values())
        if offers and (not self._claims or n_waiting < self._n_ahead(n_left)):
            last: Place = max(offers, key=lambda offer: offer.tail_s).key  # type: ignore[assignment]
            self._claims[last] = None
            return last
        return None

    def _n_ahead(self, n_left: Mapping[Branch, int]) -> int:
        """Trials that are chosen before there is room for them.

        Where all that is left is of one model and size, which one comes next does not depend on what ends first: it is
        chosen while the workers are busy, so that a short trial does not wait for its setting.
        """
        sizes = {self._sizes[branch] for branch, n in n_left.items() if n}
        sizes |= {self._sizes[place.branch] for place in self._claims}
        return max(self._ledger.study.execution.ahead, 1 if len(sizes) == 1 else 0)

    def free(self, place: Place) -> None:
        """Note that a place has ended; what it held is offered its own model first."""
        claim = self._claims.pop(place, None)
        if claim is not None:
            model, needs = self._sizes[place.branch]
            self._room.give_back(claim, model)
            self._room.keep(model, needs, self._loads(self._ledger.n_left())[(model, needs)].n_kept)
            self._settle()

    def _settle(self) -> None:
        """Give room to trials that were chosen before there was any, as Ray does by itself."""
        for place in [waiting for waiting, claim in self._claims.items() if claim is None]:
            model, needs = self._sizes[place.branch]
            claim = self._room.warm_place(model, needs) or self._room.find(needs)
            if claim is not None:
                self._room.take(claim)
                self._claims[place] = claim

    def learn(self, row: TrialRow) -> None:
        """Take from a trial that has ended what the next ones of its branch may be expected to take."""
        branch = Branch(row.model, row.kind, row.arm)
        if not row.reused and branch in self._seconds:
            self._seconds[branch] += LEARNED * (row.seconds - self._seconds[branch])

    def _offer(self, place: Place, n_left: int, loads: Mapping[Size, Load]) -> Offer:
        branch, study = place.branch, self._ledger.study
        waits = n_awaited(study, branch.kind, study.n_trials(branch.kind) - 1)
        n_rounds = math.ceil(n_left / study.kinds[branch.kind].window) if waits else 1
        chain_s = self._seconds[branch] * (n_rounds + trial_kind(branch.kind).selects)
        return loads[self._sizes[branch]].offer(place, *self._sizes[branch], chain_s)

    def _loads(self, n_left: Mapping[Branch, int]) -> dict[Size, Load]:
        """Add up what is left of each model and size."""
        running = Counter(self._sizes[place.branch] for place in self._claims)
        groups: dict[Size, list[Branch]] = {}
        for branch, size in self._sizes.items():
            groups.setdefault(size, []).append(branch)
        for size in groups.keys() - self._at_once.keys():
            self._at_once[size] = n_at_once(size[1], self.costs.cluster)
        return {
            size: Load(
                left_s=math.fsum(n_left[branch] * self._seconds[branch] for branch in members),
                n_left=sum(n_left[branch] for branch in members),
                n_running=running[size],
                n_at_once=self._at_once[size],
                load_s=self._load_s[size[0]],
            )
            for size, members in groups.items()
        }

    def _refresh(self) -> None:
        """Look whether nodes came or went; trials that run keep their room."""
        if time.monotonic() - self._looked < LOOK_EVERY_S:
            return
        self._looked, now = time.monotonic(), self._look()
        if now.nodes == self._room.cluster.nodes or not now.nodes:
            return
        self.costs.cluster = now
        self._room, self._at_once = Room(now), {}
        self._sizes = {branch: self._size(branch) for branch in self._ledger.branches}
        self._claims = dict.fromkeys(self._claims)
        self._settle()
