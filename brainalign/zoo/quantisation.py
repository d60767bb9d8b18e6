"""Weights in 8 or 4 bits, by the quantisers that transformers knows; the choice is a part of the weights' hash.

``fp8``: each row of a linear layer's weights in float8 (e4m3) with a scale of its own, by torchao. ``nf4``: blocks of
64 weights in 4-bit NormalFloat (Dettmers et al., arXiv 2305.14314), by bitsandbytes. Embeddings, norms and the output
head stay in the model's type, and so do all states. Both packages are optional.
"""

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from brainalign.errors import ModelError
from brainalign.zoo.facts import NOT_QUANTISED, LoadOptions

PACKAGES = {"fp8": "torchao", "nf4": "bitsandbytes"}
_NF4_BLOCK = 64
# Both tell on import of kernels that this machine has no use for.
_TALKERS = ("torchao", "torch.utils._pytree", "bitsandbytes")


def quantiser(options: LoadOptions) -> Any:
    """Make the configuration that transformers loads quantised weights by; None where weights stay as they are.

    Raises
    ------
    ModelError
        The package is not installed.
    """
    if options.quantisation == NOT_QUANTISED:
        return None
    package = PACKAGES[options.quantisation]
    if importlib.util.find_spec(package) is None:
        raise ModelError(
            f"expected the package {package} for weights in {options.quantisation}, found none: run "
            f"`pip install {package}` (or `pip install 'brainalign[quantised]'`), or load without quantisation"
        )
    from transformers import BitsAndBytesConfig, TorchAoConfig

    dtype = getattr(torch, options.dtype)
    if options.quantisation == "nf4":
        return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
    with quiet_packages():
        from torchao.quantization import Float8WeightOnlyConfig

        return TorchAoConfig(Float8WeightOnlyConfig())


def check_widths(config: Any, options: LoadOptions) -> None:
    """Refuse a model whose rows are no whole blocks of nf4, which bitsandbytes' CPU kernels cannot read.

    Raises
    ------
    ModelError
        A width that 64 does not divide.
    """
    if options.quantisation != "nf4":
        return
    widths = {config.hidden_size, config.intermediate_size}
    bad = sorted(width for width in widths if width % _NF4_BLOCK)
    if bad:
        raise ModelError(
            f"expected widths that are multiples of {_NF4_BLOCK} for weights in nf4, found {bad[0]}: load it in fp8"
        )


@contextmanager
def quiet_packages() -> Iterator[None]:
    """Keep what the packages log on import out of the terminal."""
    before = {name: logging.getLogger(name).level for name in _TALKERS}
    for name in _TALKERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
