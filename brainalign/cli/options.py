"""Options that several verbs share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from brainalign.artifacts import Store
    from brainalign.betas import FmriDataset

DEFAULT_STORE = Path("brainalign-results")

StoreOption = Annotated[
    Path, typer.Option("--store", envvar="BRAINALIGN_STORE", help="Folder that holds results.", show_default=True)
]
BetasOption = Annotated[
    Path | None,
    typer.Option("--betas", help="Folder of the release's betas; else BRAINALIGN_DATA, else the user cache."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ModelOption = Annotated[str, typer.Option("--model", help="A model of the zoo, see `brainalign zoo list`.")]
RoiOption = Annotated[str, typer.Option("--roi", help="deductive_reasoning, language or md.")]
SubjectsOption = Annotated[int | None, typer.Option("--subjects", min=1, help="Use the first N subjects only.")]
SimulateOption = Annotated[bool, typer.Option("--simulate", help="Use simulated betas instead of real ones.")]


def open_store(path: Path) -> "Store":
    """Store at a path."""
    from brainalign.artifacts import Store

    return Store(path)


def open_dataset(betas: Path | None, simulate: bool, subjects: int | None) -> "FmriDataset":
    """Betas and problems as the options name them; says on standard error which data they are."""
    from brainalign.betas import SimulatorConfig, load_betas
    from brainalign.cli.output import say_source

    dataset = load_betas(betas, simulate=SimulatorConfig() if simulate else None, subjects=subjects)
    say_source(dataset.source.kind, dataset.source.description)
    return dataset


def check_roi(roi: str) -> None:
    """Raise InputError where `roi` is not one of the three."""
    from brainalign.betas import ROIS
    from brainalign.study import check_name

    check_name(roi, tuple(ROIS), "--roi")
