"""Options that several verbs share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from brainalign.artifacts import Store
    from brainalign.betas import DatasetName, FmriDataset

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
RoiOption = Annotated[
    str | None, typer.Option("--roi", help="deductive_reasoning, language or md; of hcp md alone. [default: the first]")
]
DatasetOption = Annotated[
    str, typer.Option("--dataset", help="deductive, or hcp: HCP relational processing, in the same folder.")
]
SubjectsOption = Annotated[int | None, typer.Option("--subjects", min=1, help="Use the first N subjects only.")]
SimulateOption = Annotated[bool, typer.Option("--simulate", help="Use simulated betas instead of real ones.")]


def open_store(path: Path) -> "Store":
    """Store at a path."""
    from brainalign.artifacts import Store

    return Store(path)


def open_dataset(betas: Path | None, simulate: bool, subjects: int | None, dataset: str = "deductive") -> "FmriDataset":
    """Betas and problems as the options name them; says on standard error which data they are."""
    from brainalign.betas import DATASETS, SimulatorConfig, load_betas
    from brainalign.cli.output import say_source
    from brainalign.study import check_name

    check_name(dataset, DATASETS, "--dataset")
    name: DatasetName = dataset  # type: ignore[assignment]
    simulator = SimulatorConfig(dataset=name) if simulate else None
    found = load_betas(betas, dataset=name, simulate=simulator, subjects=subjects)
    say_source(found.source.kind, found.source.description)
    return found


def choose_roi(roi: str | None, dataset: "FmriDataset") -> str:
    """Region that was named, or the data's first; raises InputError where the data have none of that name."""
    from brainalign.study import check_name

    known = tuple(dataset.betas.values)
    if roi is not None:
        check_name(roi, known, "--roi")
    return roi or known[0]
