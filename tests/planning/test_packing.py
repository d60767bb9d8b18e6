"""Where trials go: how many GPUs, which node, and who comes first."""

import math
import random

import pytest

from brainalign.planning import Cluster, Load, Node, Offer, Room, choose, demand, n_at_once, uniform_cluster
from brainalign.trials import Resources, trial_kind
from brainalign.zoo import list_models, model_facts

EIGHT = uniform_cluster(1, 8, 80.0, 64)


def needs(gpus: float, *, n_nodes: int = 1, cpus: float = 1) -> Resources:
    return Resources(cpus=cpus, gpus=gpus, memory_gib=1.0, n_nodes=n_nodes)


def offer(model: str, gpus: float, tail_s: float = 10.0, **changes: object) -> Offer:
    return Offer(model, model, needs(gpus), tail_s, tail_s, **changes)  # type: ignore[arg-type]


def test_on_a_cluster_without_gpus_a_trial_asks_what_its_kind_says() -> None:
    cluster = uniform_cluster(2, 0, 0.0, 16)
    facts = model_facts("smollm2-135m")
    nari, predictivity = (trial_kind(kind).resources(facts) for kind in ("nari", "predictivity"))
    assert (nari.cpus, nari.gpus, nari.memory_gib) == (1, 0, predictivity.memory_gib)
    assert demand(nari, cluster) == demand(predictivity, cluster) == predictivity  # so that they share warm places


def test_a_warm_trial_goes_before_an_urgent_one_whose_tail_is_longer_by_less_than_loading() -> None:
    cluster = uniform_cluster(1, 0, 0.0, 2)
    for tail_s, first in ((12.0, "warm"), (14.0, "cold")):
        room = Room(cluster)
        claim = room.find(needs(0))
        assert claim is not None
        room.take(claim)
        room.give_back(claim, "warm")
        chosen = choose([offer("cold", 0, tail_s, load_s=3.0), offer("warm", 0, 10.0, load_s=3.0)], room, 1.0)
        assert chosen is not None
        assert chosen[0].key == first


@pytest.mark.parametrize("model", [facts.name for facts in list_models() if facts.cards])
def test_gpus_for_inference_are_those_that_the_zoo_states_for_cards_of_80_gb(model: str) -> None:
    facts = model_facts(model)
    assert facts.cards is not None
    asked = demand(trial_kind("nari").resources(facts), EIGHT)
    if facts.cards.inference.size_gb == 80:
        assert asked.gpus == facts.cards.inference.count
    else:
        assert 1 / 8 <= asked.gpus <= 1  # smaller cards do, so a card of 80 GB is shared or enough


def test_a_model_that_no_node_holds_takes_whole_gpus_of_several() -> None:
    asked = demand(Resources(1, 0, 148.0, device_memory_gib=148.0), uniform_cluster(4, 2, 40.0, 16))
    assert (asked.gpus, asked.n_nodes) == (2, 3)
    assert asked.memory_gib == pytest.approx(148 / 3)


def test_shares_of_a_gpu_fill_one_gpu_before_the_next_and_leave_whole_ones_whole() -> None:
    room = Room(EIGHT)
    for _ in range(4):
        claim = room.find(needs(0.25))
        assert claim is not None
        room.take(claim)
        assert claim.gpus == ((0,),)
    assert room.find(needs(7)) is not None
    assert room.find(needs(8)) is None


def test_room_is_never_given_twice_and_comes_back_whole() -> None:
    chance, room = random.Random(3), Room(uniform_cluster(3, 4, 80.0, 8))
    sizes = [needs(0.5), needs(1), needs(3), needs(2, n_nodes=2), needs(0, cpus=2)]
    held: list = []
    for _ in range(400):
        if held and chance.random() < 0.5:
            room.give_back(held.pop(chance.randrange(len(held))), "m")
        elif (claim := room.find(chance.choice(sizes))) is not None:
            room.take(claim)
            held.append(claim)
        used: dict[tuple[int, int], float] = {}
        cpus = dict.fromkeys(range(3), 0.0)
        for claim in held:
            for node, gpus in zip(claim.nodes, claim.gpus, strict=True):
                cpus[node] += claim.needs.cpus
                for gpu in gpus:
                    used[node, gpu] = used.get((node, gpu), 0.0) + min(claim.needs.gpus, 1.0)
        assert max(used.values(), default=0) <= 1 + 1e-9
        assert max(cpus.values()) <= 8
    for claim in held:
        room.give_back(claim, "m")
    assert n_at_once(needs(4), room.cluster) == 3
    assert all(room.find(size) is not None for size in sizes)


def test_a_freed_place_is_offered_its_own_model_first() -> None:
    room = Room(uniform_cluster(1, 1, 80.0, 8))
    claim = room.find(needs(1))
    assert claim is not None
    room.take(claim)
    room.give_back(claim, "small")
    chosen = choose([offer("other", 1, 50.0), offer("small", 1, 10.0)], room, horizon_s=1000.0)
    assert chosen is not None
    assert (chosen[0].model, chosen[1]) == ("small", claim)


def test_a_model_that_would_end_the_study_late_is_not_starved_by_small_ones() -> None:
    room = Room(EIGHT)
    small = [room.find(needs(1)) for _ in range(1)]
    held = []
    for _ in range(8):
        claim = room.find(needs(1))
        assert claim is not None
        room.take(claim)
        held.append(claim)
    assert small
    started = []
    for _ in range(30):  # small ones end one by one; the large one needs three places at once
        if held:
            room.give_back(held.pop(0), "small")
        chosen = choose([offer("small", 1, 5.0), offer("large", 3, 500.0)], room, horizon_s=100.0)
        if chosen is not None:
            started.append(chosen[0].model)
            room.take(chosen[1])
            break
    assert started == ["large"]
    assert len(held) == 5


def test_a_model_that_is_as_wide_as_it_can_be_keeps_nothing_from_others() -> None:
    room = Room(EIGHT)
    for _ in range(2):
        claim = room.find(needs(3))
        assert claim is not None
        room.take(claim)
    wide = offer("wide", 3, 500.0, may_grow=False)
    chosen = choose([wide, offer("small", 1, 5.0)], room, horizon_s=100.0)
    assert chosen is not None
    assert chosen[0].model == "small"


def test_one_more_place_is_loaded_only_where_it_brings_the_end_nearer() -> None:
    few = Load(left_s=30.0, n_left=3, n_running=1, n_at_once=8, load_s=60.0)
    many = Load(left_s=300.0, n_left=30, n_running=1, n_at_once=8, load_s=60.0)
    assert not few.offer("k", "m", needs(1), 10.0).worth_loading
    assert many.offer("k", "m", needs(1), 10.0).worth_loading


def test_a_place_waits_for_a_model_that_is_slow_to_load_and_not_for_one_that_is_not() -> None:
    slow = Load(left_s=100.0, n_left=10, n_running=4, n_at_once=8, load_s=60.0)
    fast = Load(left_s=100.0, n_left=10, n_running=4, n_at_once=8, load_s=1.0)
    assert (slow.n_kept, fast.n_kept) == (10, 0)
    room = Room(uniform_cluster(1, 1, 80.0, 8))
    claim = room.find(needs(1))
    assert claim is not None
    room.take(claim)
    room.give_back(claim, "slow")
    room.keep("slow", needs(1), slow.n_kept)
    assert choose([offer("other", 1)], room, math.inf) is None
    assert room.warm_place("slow", needs(1)) == claim
    room.keep("slow", needs(1), 0)
    assert choose([offer("other", 1)], room, math.inf) is not None


def test_a_trial_that_needs_more_than_a_node_has_fits_nowhere() -> None:
    room = Room(Cluster((Node(2, 0, 4.0),)))
    assert not room.can_ever(Resources(1, 0, 5.0))
    assert choose([Offer("k", "m", Resources(1, 0, 5.0), 1.0, 1.0)], room, 0.0) is None
