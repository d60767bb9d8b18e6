"""Study files: what they may say, and what is said where they are wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from brainalign.betas import SimulatorConfig
from brainalign.errors import InputError
from brainalign.study import branches, load_study, packaged_studies, parse_study, smoke

MINIMAL: dict[str, Any] = {"name": "s", "models": ["tiny-random-llama"], "kinds": {"nari": None}}


def parse(**changes: Any) -> Any:
    return parse_study({**MINIMAL, **changes}, "study.yaml")


def test_defaults_are_the_sources_setting_where_a_space_leaves_a_name_out() -> None:
    study = parse(kinds={"nari": {"space": {"alpha": {"low": 1, "high": 2}}}})
    space = study.space("nari")
    assert space["loss"].options == ("cosine",)
    assert (space["layers"].start.low, space["layers"].width.high) == (0.25, 0.5)
    assert len(parse().space("nari")["roi"].options) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modles": ["x"]}, "did you mean 'models'"),
        ({"kinds": {"narri": {}}}, "did you mean 'nari'"),
        ({"kinds": {"nari": {"sapce": {}}}}, "did you mean 'space'"),
        ({"kinds": {"nari": {"space": {"alhpa": 1}}}}, "did you mean 'alpha'"),
        ({"kinds": {"nari": {"arms": ["guided", "random_directions"]}}}, "did you mean 'random_direction'"),
        ({"kinds": {"nari": {"arms": ["random_direction"]}}}, "expected 'guided' first"),
        ({"kinds": {"nari": {"objective": "netbalanced_accuracy"}}}, "did you mean 'net_balanced_accuracy'"),
        ({"kinds": {"nari": {"space": {"alpha": []}}}}, "empty list"),
        ({"kinds": {"nari": {"space": {"alpha": {"low": 3, "high": 1}}}}}, "low <= high"),
        ({"kinds": {"nari": {"trials": 0}}}, "greater than or equal to 1"),
        ({"kinds": {"nari": {"sampler": "tpee"}}}, "'tpe', 'gp', 'cmaes', 'random', 'grid', 'qmc' or 'nsgaii'"),
        ({"betas": {"simulator": {"n_subject": 3}}}, "did you mean 'n_subjects'"),
        ({"seeds": {"serach": 3}}, "did you mean 'search'"),
        ({"name": "a b"}, "pattern"),
        ({"models": []}, "at least 1"),
        ({"kinds": {}}, "at least 1"),
        ({"kinds": ["nari"]}, "expected a mapping"),
        ({"kinds": {"nari": {"space": {"alpha": {"low": 1, "hihg": 5}}}}}, "did you mean 'high'"),
        ({"kinds": {"nari": {"trials": 1, "enqueue": [{}, {}]}}}, "at most 1"),
        ({"search": {"smapler": "tpe"}}, r"search: unknown key 'smapler': did you mean 'sampler'"),
        ({"search": {"window": 0}}, r"search\.window: .*greater than or equal to 1"),
        ({"search": ["tpe"]}, "search: expected a mapping"),
        ({"kinds": {"nari": {"trials": 4, "window": 5}}}, r"nari\.window: expected at most the 4 trials"),
        ({"search": {"window": 30}}, r"nari\.window: expected at most the 20 trials"),
        ({"kinds": {"nari": {"sampler": "nsgaii", "trials": 9}}}, r"nari\.population: .*within the 9 trials"),
        ({"kinds": {"nari": {"sampler": "cmaes", "population": 3}}}, r"nari\.population: expected at least 4"),
        ({"kinds": {"nari": {"sampler": "cmaes", "space": {"alpha": [1, 2]}}}}, "expected a range for cmaes"),
        ({"kinds": {"nari": {"sampler": "cmaes", "objective": ["corrected", "broken"]}}}, "one objective for cmaes"),
        ({"kinds": {"nari": {"objective": ["corrected", "brokn"]}}}, r"objective: .*did you mean 'broken'"),
        ({"kinds": {"nari": {"objective": ["corrected", "corrected"]}}}, "one twice"),
        ({"kinds": {"nari": {"objective": []}}}, "at least one metric"),
        (
            {"kinds": {"nari": {"objective": ["modelled_cost_s", "corrected"]}}},
            "chooses winners before modelled_cost_s",
        ),
        ({"kinds": {"nari": {"objective": ["corrected", "modeled_cost_s"]}}}, "did you mean 'modelled_cost_s'"),
        (
            {"kinds": {"nari": {"objective": {"broken": "down"}}}},
            "objective: broken: expected maximize or minimize, found 'down'",
        ),
        ({"kinds": {"predictivity": {"objective": "net_accuracy"}}}, r"predictivity\.objective: .*valid are score"),
        ({"kinds": {"nari": {"constraints": {"invalit": {"at_most": 1}}}}}, "did you mean 'invalid'"),
        ({"kinds": {"nari": {"constraints": {"invalid": {}}}}}, "at_most or at_least"),
        ({"kinds": {"nari": {"constraints": {"invalid": {"atmost": 1}}}}}, r"constraints\.invalid\.atmost"),
        (
            {"kinds": {"nari": {"space": {"alpha": {"low": 1, "high": 2, "when": {"los": "mse"}}}}}},
            "alpha: when: .*'los'",
        ),
        ({"kinds": {"nari": {"space": {"layers": {"runs": []}}}}}, r"space: layers\.runs"),
        ({"kinds": {"nari": {"enqueue": "releas"}}}, "enqueue"),
    ],
)
def test_a_wrong_file_is_one_line_with_the_way_out(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("raw", [None, [], "text"])
def test_a_file_that_is_no_mapping_is_refused(raw: object) -> None:
    with pytest.raises(InputError, match="expected a mapping"):
        parse_study(raw, "study.yaml")


def test_identity_leaves_words_and_execution_out_and_nothing_else() -> None:
    base = parse().identity
    assert parse(description="x", execution={"workers": 7}).identity == base
    changed = [
        {"seeds": {"search": 9}},
        {"budget": {"trials": 3}},
        {"problems": {"seed": 4}},
        {"betas": {"subjects": 2}},
        {"kinds": {"nari": {"window": 2}}},
        {"models": ["tiny-random-qwen2"]},
    ]
    identities = {parse(**change).identity for change in changed}
    assert len(identities | {base}) == 7
    assert parse(budget={"trials": 20, "max_wall_s": 300, "max_trials": 3}).identity == base


def test_every_arm_is_a_branch_with_as_many_trials() -> None:
    study = parse(kinds={"nari": {"arms": ["guided", "bias"], "trials": 5}})
    assert [branch.arm for branch in branches(study)] == ["guided", "bias"]
    assert study.n_trials("nari") == 5


@pytest.mark.parametrize("name", packaged_studies())
def test_every_packaged_study_parses(name: str) -> None:
    assert load_study(name).name == name
    assert load_study(f"studies/{name}.yaml").identity == load_study(name).identity


def test_files_by_path_and_by_another_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    assert load_study(path).name == "s"
    assert load_study(path, name="other").name == "other"
    with pytest.raises(InputError, match="quickstart"):
        load_study(tmp_path / "absent.yaml")
    path.write_text("name: s\nmodels: [a]\nmodels: [b]\n")
    with pytest.raises(InputError, match="'models' twice"):
        load_study(path)
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        load_study(path)
    path.write_text("a: [")
    with pytest.raises(InputError, match="expected YAML"):
        load_study(path)


def test_the_smoke_size_is_a_study_of_its_own() -> None:
    study = load_study("quickstart")
    small = smoke(study)
    assert small.name == "quickstart-smoke"
    assert {small.n_trials(kind) for kind in small.kinds} == {2}
    assert small.betas.subjects == 2
    assert small.identity != study.identity
    assert small.space("nari") == study.space("nari")


@pytest.mark.parametrize("layers", [{"start": 2.0, "width": 0.1}, {"run": "a-b"}, {"begin": 1}])
def test_an_enqueued_setting_is_checked_like_the_space(layers: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="enqueue"):
        parse(kinds={"nari": {"enqueue": [{"layers": layers}]}})


def test_an_enqueued_setting_is_made_whole_by_the_sources_values() -> None:
    study = parse(kinds={"nari": {"enqueue": [{"alpha": 3, "layers": {"run": "1-2"}}]}})
    (setting,) = study.enqueued("nari")
    assert (setting["alpha"], setting["layers"], setting["n_steps"]) == (3, {"run": "1-2"}, 200)
    assert len(study.points("nari")) == 2


def test_kinds_take_what_the_search_section_says_unless_they_say_otherwise() -> None:
    kinds = {
        "nari": {"window": 3, "objective": {"net_accuracy": "maximize", "broken": "minimize"}},
        "predictivity": None,
    }
    study = parse(search={"sampler": "gp", "window": 5, "reproducible": False}, kinds=kinds)
    assert [(study.kinds[kind].sampler, study.kinds[kind].window) for kind in kinds] == [("gp", 3), ("gp", 5)]
    assert not study.kinds["nari"].reproducible
    spelled_out = {
        name: {"sampler": "gp", "window": 5, "reproducible": False} | (body or {}) for name, body in kinds.items()
    }
    assert parse(kinds=spelled_out).identity == study.identity


def test_objectives_have_a_direction_by_nature_or_by_word() -> None:
    def directions(objective: Any) -> dict[str, str]:
        return dict(parse(kinds={"nari": {"objective": objective}}).goals("nari").directions)

    both = {"net_balanced_accuracy": "maximize", "broken": "minimize"}
    assert directions(None) == {"net_balanced_accuracy": "maximize"}
    assert directions("broken") == {"broken": "minimize"}
    for spelled in (["net_balanced_accuracy", "broken"], ["net_balanced_accuracy", {"broken": "minimize"}], both):
        assert directions(spelled) == both
    study = parse(kinds={"nari": {"objective": both, "constraints": {"invalid": {"at_most": 0.2}}}})
    assert study.objective("nari") == "net_balanced_accuracy"
    assert study.goals("nari").upper == {"invalid": 0.2}
    assert type(study).model_validate(study.model_dump(mode="json")) == study


def test_keys_that_came_later_leave_the_hash_of_older_studies_alone() -> None:
    # The hash of this file, then with another model, before there were several objectives, constraints and populations.
    before = load_study("quickstart").model_copy(update={"models": ("smollm2-135m",)})
    assert before.identity == "4e787c0cd39ae074948c9399a3d66ce6"
    assert parse(kinds={"nari": {"population": 5}}).identity != parse().identity


def test_the_release_setting_can_be_enqueued_by_its_word() -> None:
    release = parse(kinds={"nari": {"enqueue": "release"}})
    assert release.identity == parse(kinds={"nari": {"enqueue": [{}]}}).identity
    both = parse(kinds={"nari": {"enqueue": ["release", {"alpha": 3}]}}).enqueued("nari")
    assert [setting["alpha"] for setting in both] == [10.0, 3]


def test_simulated_data_are_the_same_by_default_from_a_study_file_and_without_one() -> None:
    assert SimulatorConfig(**parse().betas.simulator.model_dump()) == SimulatorConfig()


def test_the_data_set_is_part_of_the_identity_and_sets_the_region() -> None:
    base, hcp = parse(), parse(betas={"dataset": "hcp"})
    assert hcp.identity != base.identity == parse(betas={"dataset": "deductive"}).identity
    kinds = {"nari": {"space": {"alpha": 3.0}, "enqueue": [{}]}, "predictivity": {}}
    study = parse(kinds=kinds, betas={"dataset": "hcp"})
    assert study.space("nari")["roi"].options == study.space("predictivity")["roi"].options == ("md",)
    assert study.enqueued("nari")[0]["roi"] == "md"
    assert parse(kinds=kinds).space("nari")["roi"].options == ("deductive_reasoning",)
    with pytest.raises(InputError, match="dataset"):
        parse(betas={"dataset": "hpc"})


def test_how_models_are_held_is_part_of_the_identity_and_the_default_of_none() -> None:
    raw = {"name": "s", "models": ["tiny-random-llama"], "kinds": {"nari": {}}}
    plain = parse_study(raw, "s")
    assert parse_study({**raw, "loading": {"quantisation": "none"}}, "s").identity == plain.identity
    assert parse_study({**raw, "loading": {"quantisation": "nf4"}}, "s").identity != plain.identity
    assert parse_study({**raw, "loading": {"dtype": "bfloat16"}}, "s").identity != plain.identity
    with pytest.raises(InputError, match="did you mean 'quantisation'"):
        parse_study({**raw, "loading": {"quantization": "nf4"}}, "s")
