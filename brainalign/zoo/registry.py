"""The registry of models: a row each. A new model takes a builder in `families` and a row here."""

import difflib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from brainalign.errors import ModelError
from brainalign.zoo.entry import Entry
from brainalign.zoo.facts import NOT_QUANTISED, QUANTISATIONS, ChatRules, LoadOptions, ModelFacts
from brainalign.zoo.families import gemma, llama, mistral, phi, qwen
from brainalign.zoo.nano.sizes import SIZES as NANO_SIZES

if TYPE_CHECKING:
    from brainalign.zoo.language_model import LanguageModel

DTYPES = ("float32", "bfloat16", "float16")


def _tiny(kind: str, n_parameters: int, chat: ChatRules | None = None, family: str | None = None) -> Entry:
    facts = ModelFacts(
        name=f"tiny-random-{kind}",
        hub_id=None,
        n_parameters=n_parameters,
        n_layers=4,
        hidden_size=64,
        family=family or kind,
        licence="MIT",
        memory_gib=0.5,
        chat=chat or ChatRules(),
    )
    return Entry(facts, "brainalign.zoo.tiny:build")


_SMOLLM2 = ModelFacts(
    name="smollm2-135m",
    hub_id="HuggingFaceTB/SmolLM2-135M-Instruct",
    n_parameters=134_515_008,
    n_layers=30,
    hidden_size=576,
    family="llama",
    licence="Apache-2.0",
    quantisation="gguf-q4_1 dequantised to float32",
    memory_gib=1.5,
)
_ROWS = (
    qwen.qwen2_1_5b_instruct(),
    qwen.qwen2_7b_instruct(),
    qwen.qwen2_72b_instruct(),
    qwen.qwen3_4b(),
    mistral.mistral_7b_instruct_v0_2(),
    llama.llama_2_7b_chat(),
    llama.llama_3_8b_instruct(),
    llama.llama_3_3_70b_instruct(),
    phi.phi_4_mini_instruct(),
    gemma.gemma_2_9b_it(),
    qwen.deepseek_r1_distill_qwen_1_5b(),
    qwen.qwen2_7b(),
    llama.llama_2_7b(),
    gemma.gemma3_270m(),
    Entry(_SMOLLM2, "brainalign.zoo.smollm2:build"),
    Entry(
        replace(_SMOLLM2, name="smollm2-135m-logic", hub_id=None, base=_SMOLLM2.name),
        "brainalign.zoo.smollm2_logic.model:build",
    ),
    _tiny("llama", 261_184),
    _tiny("llama2", 277_568, ChatRules(answer_lead=" "), "llama"),
    _tiny("llama3", 254_912, family="llama"),
    _tiny("qwen2", 214_208),
    _tiny("qwen3", 263_232, ChatRules(options=(("enable_thinking", False),))),
    _tiny("mistral", 261_184, ChatRules(has_system_role=False)),
    _tiny("phi3", 213_824),
    _tiny("gemma2", 266_752, ChatRules(has_system_role=False)),
    _tiny("gemma3", 267_008, family="gemma3_text"),
    *(Entry(size.facts, "brainalign.zoo.nano.model:build") for size in NANO_SIZES),
)
REGISTRY = {entry.facts.name: entry for entry in _ROWS}


def list_models() -> list[ModelFacts]:
    """Facts of every model, in the registry's order."""
    return [entry.facts for entry in REGISTRY.values()]


def model_facts(name: str) -> ModelFacts:
    """Facts of one model; ``NAME@REVISION`` names another revision of the hub than the row's.

    Raises
    ------
    ModelError
        The name is unknown; the message has the nearest one. Or a revision of a model that is on no hub.
    """
    return _find(name)[1]


def load_model(
    name: str,
    *,
    dtype: str | None = None,
    device: str = "cpu",
    cache: Path | str | None = None,
    quantisation: str = NOT_QUANTISED,
    processes: int = 1,
) -> "LanguageModel":
    """Load a model by its name, ready for inference.

    Parameters
    ----------
    name : str
        A name of `list_models`; ``NAME@REVISION`` loads another revision than the row's, fetched before.
    dtype : {"float32", "bfloat16", "float16"}, optional
        Type of the weights, by default that of the model's facts; part of the model's `weights_hash`.
    device : str
        A torch device, such as ``"cpu"`` or ``"cuda:0"``; ``"auto"`` is every GPU that the process sees, layer by
        layer where one is too small, else the CPU.
    cache : path, optional
        Where weights are kept; default ``BRAINALIGN_CACHE``, else the system's user cache.
    quantisation : {"none", "fp8", "nf4"}
        How the weights of linear layers are held; part of the model's `weights_hash` and facts.
    processes : int
        Processes of a torch.distributed group, this one among them, that share every layer; each calls this function.

    Raises
    ------
    ModelError
        Unknown name, type or quantisation, a device that is not there, weights that are absent, gated or damaged,
        another model's weights or tokenizer.
    """
    entry, facts = _find(name)
    dtype = dtype or facts.dtype
    if dtype not in DTYPES:
        raise ModelError(f"expected a dtype of {', '.join(DTYPES)}, found {dtype!r}: choose one of them")
    if quantisation not in QUANTISATIONS:
        raise ModelError(
            f"expected a quantisation of {', '.join(QUANTISATIONS)}, found {quantisation!r}: choose one of them"
        )
    if processes < 1:
        raise ModelError(f"expected at least one process, found {processes}: give 1 for a model of one process")
    folder = None if cache is None else Path(cache)
    return entry.build(LoadOptions(dtype, device, folder, quantisation, processes), facts)


def _find(name: str) -> tuple[Entry, ModelFacts]:
    plain, _, revision = name.partition("@")
    if plain not in REGISTRY:
        nearest = difflib.get_close_matches(plain, REGISTRY, n=1, cutoff=0.0)[0]
        raise ModelError(
            f"expected a model of the zoo, found {name!r}: did you mean {nearest!r}? (all: {', '.join(REGISTRY)})"
        )
    entry = REGISTRY[plain]
    if not revision:
        return entry, entry.facts
    if entry.facts.embedded or entry.facts.hub_id is None:
        raise ModelError(
            f"expected a revision only of a model that is fetched from the hub, found {name!r}: say {plain!r}"
        )
    return entry, replace(entry.facts, name=name, revision=revision)
