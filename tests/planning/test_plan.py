"""The plan of a study: its figures, and that of the ten models on three clusters."""

from pathlib import Path

import pytest
import yaml

from brainalign.errors import ClusterError, InputError
from brainalign.planning import CostModel, Prices, make_plan, read_prices, simulate, uniform_cluster
from brainalign.planning.caps import Caps, Spent
from brainalign.planning.plan import cheapest_trial, plan_branches
from brainalign.study import Study, load_study, parse_study
from brainalign.zoo import model_facts
from tests.planning.test_costs import CPU, DATA

FIGURES = ("n_trials", "gpu_hours", "cpu_hours", "wall_s", "disk_gib", "price")


def small(**changes: object) -> Study:
    kinds = {"predictivity": {"trials": 3, "sampler": "grid"}, "nari": {"trials": 4, "arms": ["guided", "bias"]}}
    return parse_study({"name": "s", "models": ["tiny-random-llama"], "kinds": kinds, **changes}, "s")


def test_every_figure_has_an_interval_that_holds_it() -> None:
    found = make_plan(small(), CostModel(CPU, DATA), Prices()).to_json()
    for name in FIGURES:
        assert set(found[name]) == {"value", "low", "high"}
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    assert found["n_trials"] == {"value": 2 * 3 + 2 * 5, "low": 16, "high": 16}
    assert found["gpu_hours"]["value"] == 0
    assert found["cpu_hours"]["value"] * 3600 / 4 <= found["wall_s"]["value"]


def test_twice_the_price_costs_twice_and_more_cores_take_less_time() -> None:
    one, two = (make_plan(small(), CostModel(CPU, DATA), prices) for prices in (Prices(), Prices(cpu_hour=0.1)))
    free = make_plan(small(), CostModel(CPU, DATA), Prices(cpu_hour=0, gib_month=0))
    assert free.price.value == 0
    disk = one.disk_gib.value * 0.1
    assert two.price.value - disk == pytest.approx(2 * (one.price.value - disk))
    # Long enough a study that a second worker's start is worth it.
    long = small(kinds={"nari": {"trials": 400, "window": 100, "arms": ["guided", "bias"]}})
    few, many = (make_plan(long, CostModel(uniform_cluster(n, 0, 0.0, 2), DATA), Prices()) for n in (1, 4))
    assert many.wall_s.value < few.wall_s.value
    assert many.cpu_hours == few.cpu_hours


def test_a_cluster_too_small_for_a_model_is_named() -> None:
    study = small(models=["qwen2-72b-instruct"])
    with pytest.raises(ClusterError, match="room for qwen2-72b-instruct"):
        make_plan(study, CostModel(uniform_cluster(1, 1, 80.0, 8), DATA), Prices())


@pytest.mark.parametrize("trials", [40, pytest.param(None, marks=pytest.mark.slow)])
def test_the_plan_of_the_ten_models_is_within_a_tenth_of_the_bound_on_8_64_and_512_gpus(trials: int | None) -> None:
    study = load_study("scaling-zoo")
    assert len(study.models) == 10
    if trials:
        fewer = {name: section.model_copy(update={"trials": trials}) for name, section in study.kinds.items()}
        study = study.model_copy(update={"kinds": {**study.kinds, "nari": fewer["nari"]}})
        study = study.model_copy(update={"kinds": {**study.kinds, "nari_transfer": fewer["nari_transfer"]}})
    clusters = [uniform_cluster(n_nodes, 8, 80.0, 64) for n_nodes in (1, 8, 64)]
    costs = CostModel(clusters[0], DATA)
    chains = [part.chain("value") for part in plan_branches(study, costs)]
    loads = {model: costs.load_s(model_facts(model)) for model in study.models}
    spans = []
    for cluster in clusters:
        found = simulate(chains, cluster, loads)
        assert found.lower_bound_s <= found.makespan_s <= 1.10 * found.lower_bound_s
        spans.append(found.makespan_s)
    assert spans[0] > 6 * spans[1] > 12 * spans[2]


def test_a_price_table_is_read_and_a_wrong_key_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(yaml.safe_dump({"gpu_hour": 1.5, "currency": "EUR"}))
    assert read_prices(path) == Prices(gpu_hour=1.5, currency="EUR")
    path.write_text(yaml.safe_dump({"gpu_hours": 1.5}))
    with pytest.raises(InputError, match="gpu_hours"):
        read_prices(path)
    with pytest.raises(InputError, match="price table"):
        read_prices(tmp_path / "absent.yaml")


@pytest.mark.parametrize("cap", ["gpu_hours", "cpu_hours", "wall_s", "disk_gib"])
def test_a_cap_below_one_trial_is_refused_by_its_name(cap: str) -> None:
    least = cheapest_trial(small(), DATA)
    Caps(**{cap: 1.01 * getattr(least, cap)}).check(least)
    with pytest.raises(InputError, match=rf"budget\.max_{cap}: expected room for one trial"):
        Caps(**{cap: 0.5 * getattr(least, cap)}).check(least)


def test_the_first_cap_that_is_passed_is_named() -> None:
    caps = Caps(trials=3, wall_s=10)
    assert caps.passed(Spent(3, 9, 9, 10, 9)) is None
    assert caps.passed(Spent(4)) == "max_trials"
    assert caps.passed(Spent(1).plus(Spent(1, wall_s=11))) == "max_wall_s"
