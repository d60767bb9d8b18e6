"""What GPUs, cores and disk cost."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brainalign.errors import InputError

Price = Annotated[float, Field(ge=0)]


class Prices(BaseModel):
    """A price table. The default one is an assumption to calculate with, no provider's offer.

    ``gpu_hour`` and ``cpu_hour`` are for one GPU and one core; cores are charged on clusters without GPUs alone, as a
    GPU's price has its cores in it. ``gib_month`` is charged for one month.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: str = "USD"
    gpu_hour: Price = 2.5
    cpu_hour: Price = 0.05
    gib_month: Price = 0.1

    def __str__(self) -> str:
        return (
            f"{self.gpu_hour:g} a GPU-hour, {self.cpu_hour:g} a core-hour without GPUs, {self.gib_month:g} a GiB and "
            f"month, {self.currency}"
        )


def read_prices(path: Path) -> Prices:
    """Read a price table from YAML.

    Raises
    ------
    InputError
        No such file, no YAML, or a key that a price table does not have.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Prices.model_validate(raw or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"expected a price table in YAML, found {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        names = ", ".join(Prices.model_fields)
        raise InputError(f"{path}: {place}: {first['msg']}: a price table has {names}") from error
