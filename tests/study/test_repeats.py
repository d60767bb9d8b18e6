"""A study under several seeds."""

from brainalign.study import load_study, repeats, smoke


def test_each_repeat_has_seeds_and_a_name_of_its_own() -> None:
    study = load_study("scaling-nano")
    found = repeats(study, 3)
    assert [item.name for item in found] == [f"scaling-nano-seed{k}" for k in range(3)]
    assert [(item.seeds.search, item.seeds.replicate) for item in found] == [(1, 0), (2, 1), (3, 2)]
    assert len({item.identity for item in found}) == 3
    assert all(item.kinds == study.kinds for item in found)


def test_one_seed_is_the_study_itself() -> None:
    study = load_study("quickstart")
    assert repeats(study, 1) == (study,)


def test_a_smoke_run_of_a_study_of_sizes_still_has_sizes() -> None:
    small = smoke(load_study("scaling-nano"))
    assert small.models == ("nano-llama-0.1m", "nano-llama-0.2m", "nano-llama-0.4m", "nano-qwen3-0.2m")
    assert smoke(load_study("scaling-zoo")).models == ("qwen2-1.5b-instruct",)
