"""Which files of the release travel with a study."""

from pathlib import Path

from brainalign.betas.conversion import load_release
from brainalign.launch import submission
from brainalign.study import load_study
from tests.betas import synthetic_hcp as made


def test_the_files_of_the_data_set_that_the_study_asks_for_are_sent(tmp_path: Path) -> None:
    root = made.write_hcp(tmp_path / "release")
    study = load_study("quickstart")
    hcp = study.model_copy(update={"betas": study.betas.model_copy(update={"dataset": "hcp"})})
    sent = {name: set(submission._betas_files(one, root)) for name, one in (("deductive", study), ("hcp", hcp))}
    scripts = {"get_activations.py", "hcp_get_activations.py"}
    assert sent["deductive"] & sent["hcp"] == scripts
    assert len(sent["hcp"] - scripts) == 1 + 2 * 2
    alone = tmp_path / "alone"
    for name in sent["hcp"]:
        (alone / name).parent.mkdir(parents=True, exist_ok=True)
        (alone / name).write_bytes((root / name).read_bytes())
    found, there = (load_release(folder, tmp_path / "cache", dataset="hcp") for folder in (alone, root))
    assert (found.source.content_hash, found.wording_hash) == (there.source.content_hash, there.wording_hash)
