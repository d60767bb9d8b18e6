"""Premise orders against itertools and SciPy, samples, prompts that are the same."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from brainalign.errors import InputError
from brainalign.stimuli import (
    OrderPlan,
    Problem,
    distinct_prompts,
    entails,
    forward_order,
    generate_problems,
    kendall_tau,
    order_number,
    order_of,
    own_wording,
    parse_orders,
    premise_orders,
    read_problems,
)

CHAIN = Problem.of(
    "syllogisms",
    ["Elsa is a blemp", "All odd things are sour", "All blemps are odd"],
    "Elsa is sour",
    label=True,
    category="",
)


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("all", OrderPlan("all")),
        (" forward ", OrderPlan("forward")),
        ("sample:12", OrderPlan("sample", 12)),
    ],
)
def test_plans_are_read_and_spelled_back(text: str, plan: OrderPlan) -> None:
    assert parse_orders(text) == plan
    assert str(plan) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "some", "sample", "sample:", "sample:0", "sample:-3", "sample:2.5", "all:3", "sample:٣"]
)
def test_other_plans_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="'sample:N'"):
        parse_orders(text)


@pytest.mark.parametrize("n_premises", [3, 4, 5, 6])
def test_all_orders_are_those_of_itertools_and_number_0_is_as_given(n_premises: int) -> None:
    problem = generate_problems(1, seed=0, n_premises=n_premises)[0]
    orders = premise_orders(problem, OrderPlan("all"))
    assert [o.places for o in orders] == list(itertools.permutations(range(n_premises)))
    assert [o.number for o in orders] == list(range(math.factorial(n_premises)))
    assert orders[0].apply(problem) == problem
    assert orders[-1].apply(problem).premises == problem.premises[::-1]
    assert {o.apply(problem).stimulus_id for o in orders} == {problem.stimulus_id}


def test_numbers_and_orders_are_inverse() -> None:
    for number, places in enumerate(itertools.permutations(range(5))):
        assert order_number(places) == number
        assert order_of(number, 5) == places
    long = tuple(np.random.default_rng(0).permutation(21).tolist())  # 21! exceeds 64 bits
    assert order_of(order_number(long), 21) == long
    for number in (-1, 6):
        with pytest.raises(InputError, match="between 0 and 5"):
            order_of(number, 3)


def test_samples_are_without_replacement_repeatable_and_their_own_for_each_problem() -> None:
    problems = generate_problems(40, seed=0, n_premises=4, reasoning_types=("transitive",))
    plan = OrderPlan("sample", 10)
    drawn = [premise_orders(problem, plan, seed=1) for problem in problems]
    assert drawn == [premise_orders(problem, plan, seed=1) for problem in problems]
    assert all(len({o.number for o in orders}) == 10 for orders in drawn)
    assert all([o.number for o in orders] == sorted(o.number for o in orders) for orders in drawn)
    assert len({tuple(o.number for o in orders) for orders in drawn}) > 35
    assert premise_orders(problems[0], plan, seed=2) != drawn[0]
    # Uniform: each of 24 orders is drawn 400 * 10 / 24 / 10 times on average.
    counts = np.bincount([o.number for orders in drawn for o in orders], minlength=24)
    assert counts.sum() == 400
    assert counts.min() >= 5
    assert counts.max() <= 30
    assert premise_orders(problems[0], OrderPlan("sample", 24)) == premise_orders(problems[0], OrderPlan("all"))
    assert premise_orders(problems[0], OrderPlan("sample", 99)) == premise_orders(problems[0], OrderPlan("all"))


def test_many_premises_can_be_sampled_but_not_enumerated() -> None:
    premises = [f"Elsa{number} is bolder than Elsa{number + 1}" for number in range(18)]
    problem = Problem.of("transitive", premises, "Elsa0 is bolder than Elsa18", label=True, category="")
    with pytest.raises(InputError, match="ask for 'sample:N'"):
        premise_orders(problem, OrderPlan("all"))
    orders = premise_orders(problem, OrderPlan("sample", 7))
    assert len({o.places for o in orders}) == 7
    assert all(order_of(o.number, 18) == o.places for o in orders)


def test_tau_is_that_of_scipy_for_every_order() -> None:
    forward = (2, 0, 3, 1)
    for places in itertools.permutations(range(4)):
        expected = kendalltau([places.index(p) for p in range(4)], [forward.index(p) for p in range(4)]).statistic
        assert kendall_tau(places, forward) == pytest.approx(expected, abs=1e-12)
    assert kendall_tau((0,), (0,)) == 1.0
    with pytest.raises(InputError, match="same premises"):
        kendall_tau((0, 1), (0, 1, 2))


def test_forward_order_follows_the_chain() -> None:
    assert forward_order(CHAIN) == (2, 1, 0)
    (order,) = premise_orders(CHAIN, OrderPlan("forward"))
    assert order.places == (2, 1, 0)
    assert order.number == 5
    transitive = ["Igor is ruder than Ida", "Ida is ruder than Paula", "Elsa is ruder than Igor"]
    assert forward_order(Problem.of("transitive", transitive, "x", label=True, category="")) == (2, 0, 1)
    mixed = ["Igor is shorter than Ida", "Elsa is shorter than Igor", "Ida is taller than Bo"]
    assert forward_order(Problem.of("transitive", mixed, "x", label=True, category=""))[:2] == (0, 1)
    plain = Problem.of("other", ["Some are odd", "It rains"], "It is odd", label=False, category="")
    assert forward_order(plain) == (0, 1)
    cycle = ["Elsa is ruder than Igor", "Igor is ruder than Elsa"]
    assert sorted(forward_order(Problem.of("transitive", cycle, "x", label=True, category=""))) == [0, 1]


@pytest.mark.parametrize("n_premises", [3, 4, 5, 6])
def test_forward_order_of_generated_problems_reads_on(n_premises: int) -> None:
    for problem in generate_problems(16, seed=2, n_premises=n_premises):
        said = [problem.premises[place] for place in forward_order(problem)]
        # Facts name nothing that goes on, so they come last; each other sentence begins with the end of the last one.
        linked = said if problem.reasoning_type == "transitive" else said[:-1]
        assert problem.reasoning_type == "transitive" or not said[-1].startswith("All")
        for before, after in itertools.pairwise(linked):
            first = after.removeprefix("All ").split()[0]
            assert first.removesuffix("s") == before.split()[-1].removesuffix("s")
        assert entails(said, problem.conclusion) == problem.label


def test_release_problems_stand_in_the_forward_order(release_folder: Path) -> None:
    for name in ("test", "test_4premises", "test_5premises", "test_6premises", "val_new", "train_192"):
        for problem in read_problems(release_folder / "data" / f"deductive_reasoning_data_{name}.json"):
            assert forward_order(problem) == tuple(range(len(problem.premises)))


def test_equal_prompts_are_found_once() -> None:
    twice = Problem.of("other", ["It rains", "It rains", "It is odd"], "It snows", label=False, category="")
    wording = own_wording()
    orders = premise_orders(twice, OrderPlan("all"))
    prompts = [wording.messages(order.apply(twice))[2]["content"] for order in orders]
    distinct = distinct_prompts(prompts)
    assert len(distinct.first) == 3  # 3! / 2!
    assert [prompts[place] for place in distinct.first[distinct.member]] == prompts
    assert sorted(set(prompts)) == sorted(prompts[place] for place in distinct.first)
    assert list(distinct.first) == sorted(distinct.first)
    assert len(distinct_prompts([]).first) == 0
