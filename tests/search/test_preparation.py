"""What is refused before the first trial: settings that the data cannot have."""

import pytest

from brainalign.artifacts import Store
from brainalign.errors import InputError
from brainalign.search import run_study
from brainalign.search.preparation import prepare
from brainalign.study import parse_study

HCP = {"dataset": "hcp", "source": "simulated", "simulator": {"n_subjects": 2, "n_problems_per_type": 36}}


@pytest.mark.parametrize(
    ("kind", "space", "message"),
    [
        ("nari", {"roi": ["md", "language"]}, "kinds.nari: roi: expected one of md, which the data set hcp has"),
        ("predictivity", {"subset": ["transitive"]}, "subset: expected one of all, relational, .* found 'transitive'"),
    ],
)
def test_regions_and_types_that_the_data_lack_start_nothing(
    store: Store, kind: str, space: dict[str, list[str]], message: str
) -> None:
    raw = {"name": "s", "models": ["tiny-random-llama"], "betas": HCP, "kinds": {kind: {"space": space}}}
    with pytest.raises(InputError, match=message):
        run_study(parse_study(raw, "s"), store=store)
    assert store.studies() == []


def test_the_manifest_says_what_problems_and_voxels_there_are(store: Store) -> None:
    from brainalign.search.preparation import begin

    raw = {"name": "s", "models": ["tiny-random-llama"], "betas": HCP, "kinds": {"nari": {}}}
    ready = prepare(parse_study(raw, "s"), store)
    begin(ready)
    data = store.read_manifest("s")["data"]
    assert data["problem_types"] == {"relational": 36}
    assert data["n_voxels"] == {"md": {"sim-01": 200, "sim-02": 199}}
    assert data["wording_hash"] == ready.dataset.wording.hash_of(["relational"])
