"""The sizes of the nano family, and what the registry says of them; imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from brainalign.errors import ModelError
from brainalign.zoo.facts import ModelFacts

N_LAYERS = 4
VOCABULARY = 773
CONTEXT = 1024
LICENCE = "MIT"


@dataclass(frozen=True)
class Size:
    """Shape of one model; attention is as wide as the model and has no grouped heads.

    Attributes
    ----------
    name : str
        In the registry.
    family : {"llama", "qwen3"}
        Qwen 3 norms queries and keys.
    width, head_dim, mlp_width : int
    """

    name: str
    family: str
    width: int
    head_dim: int
    mlp_width: int

    @property
    def n_parameters(self) -> int:
        """Trained numbers; the output head is the embedding."""
        layer = 4 * self.width**2 + 3 * self.width * self.mlp_width + 2 * self.width
        normed = 2 * self.head_dim if self.family == "qwen3" else 0
        return (VOCABULARY + 1) * self.width + N_LAYERS * (layer + normed)

    @property
    def facts(self) -> ModelFacts:
        """What the registry says of it."""
        return ModelFacts(
            name=self.name,
            hub_id=None,
            n_parameters=self.n_parameters,
            n_layers=N_LAYERS,
            hidden_size=self.width,
            family=self.family,
            licence=LICENCE,
            memory_gib=0.5,
        )


SIZES = (
    Size("nano-llama-0.1m", "llama", 40, 20, 112),
    Size("nano-llama-0.2m", "llama", 64, 16, 176),
    Size("nano-llama-0.4m", "llama", 88, 22, 240),
    Size("nano-llama-0.9m", "llama", 128, 32, 344),
    Size("nano-llama-1.9m", "llama", 192, 32, 512),
    Size("nano-llama-7.4m", "llama", 384, 32, 1024),
    Size("nano-qwen3-0.2m", "qwen3", 64, 16, 176),
    Size("nano-qwen3-0.9m", "qwen3", 128, 32, 344),
)


def find_sizes(names: Sequence[str] | None) -> tuple[Size, ...]:
    """Sizes of the given names, in the family's order; all without names.

    Raises
    ------
    ModelError
        A name that is none of the family.
    """
    by_name = {size.name: size for size in SIZES}
    for name in names or ():
        if name not in by_name:
            raise ModelError(f"expected a model of the nano family, found {name!r}: take one of {', '.join(by_name)}")
    return tuple(size for size in SIZES if not names or size.name in names)
