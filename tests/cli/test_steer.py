"""`brainalign steer` as a user types it."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from gguf import GGUFReader

from brainalign.cli import main

SMALL = ("--model", "tiny-random-llama", "--simulate", "--subjects", "2", "--steps", "20", "--alpha", "3")


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Typed = Callable[..., Said]


@pytest.fixture
def brainalign(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """The command line in this process: imports are paid once."""

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["brainalign", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return Said(int(left.value.code or 0), said.out, said.err)

    return run


@pytest.mark.parametrize("verb", ["transfer", "export"])
def test_help_has_an_example(brainalign: Typed, verb: str) -> None:
    found = brainalign("steer", verb, "--help")
    assert found.code == 0
    assert f"Example: brainalign steer {verb}" in " ".join(found.out.split())


def test_transfer_prints_every_arm_and_saves_vectors_that_export(brainalign: Typed, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    found = brainalign(
        "steer", "transfer", *SMALL, "--strengths", "1,2", "--normalise", "--json",
        "--store", str(tmp_path), "--save", str(folder),
    )  # fmt: skip
    facts = json.loads(found.out)
    assert set(facts["arms"]) == {"guided", "random_direction", "random_betas", "bias"}
    for figures in facts["arms"].values():
        assert set(figures["selection_by_strength"]) == {"1", "2"}
        assert {"net_balanced_accuracy", "selection_gap", "flip_all", "interval"} <= set(figures)
    assert facts["saved"]
    for path in facts["saved"]:
        target = Path(path).with_suffix(".gguf")
        assert brainalign("steer", "export", path, str(target)).code == 0
        assert {tensor.name for tensor in GGUFReader(target).tensors} == {"direction.1", "direction.2"}


def test_nari_the_releases_way_asks_the_control_less_often(brainalign: Typed, tmp_path: Path) -> None:
    found = brainalign(
        "steer", "nari", *SMALL, "--compat", "release", "--arms", "guided,random_direction,label", "--json",
        "--store", str(tmp_path),
    )  # fmt: skip
    facts = json.loads(found.out)
    assert facts["config"]["compat"] == "release"
    assert set(facts["arms"]) == {"guided", "random_direction", "label"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("transfer", *SMALL, "--strengths", "1,b"), "expected numbers such as 0.5,1,2"),
        (("transfer", *SMALL, "--average", "median"), "found 'median'"),
        (("transfer", *SMALL, "--arms", "prompt"), "found prompt"),
        (("export", "nowhere.safetensors", "v.gguf"), "no such file"),
    ],
)
def test_what_cannot_be_is_one_line(brainalign: Typed, arguments: tuple[str, ...], message: str) -> None:
    found = brainalign("steer", *arguments)
    assert found.code == 2
    assert message in " ".join(found.err.split())


def test_the_second_data_set_is_one_option(brainalign: Typed, tmp_path: Path) -> None:
    where = (
        "--model",
        "tiny-random-llama",
        "--dataset",
        "hcp",
        "--simulate",
        "--subjects",
        "2",
        "--json",
    )
    where = (*where, "--store", str(tmp_path))
    nari = json.loads(brainalign("steer", "nari", *where, "--steps", "10", "--arms", "guided,bias").out)
    assert nari["config"]["roi"] == "md"
    assert set(nari["arms"]["guided"]["by_type"]) == {"relational"}
    predicted = json.loads(brainalign("predictivity", *where).out)
    assert predicted["roi"] == "md"
    assert all("shuffled arm" in note for note in predicted["notes"])
    assert len(predicted["notes"]) == 1
    refused = brainalign("predictivity", *where, "--roi", "language")
    assert refused.code == 2
    assert "'language': " in refused.err
    assert "did you mean 'hcp'" in brainalign("data", "show", "--dataset", "hpc").err
