"""Whether a loaded model does here what it does in transformers alone: read, answered, hooked, steered."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from brainalign.activations.extraction import encode_problems, extract_prompts
from brainalign.activations.hooks import SITES, displaced, hooked
from brainalign.activations.prefilled import prefill_prompts
from brainalign.artifacts import stream
from brainalign.errors import ModelError
from brainalign.stimuli import generate_problems, own_wording
from brainalign.zoo import LanguageModel, load_model
from brainalign.zoo.meta import count_parameters

N_PROBLEMS = 2
# Of the largest value compared: what other orders of summation cost in each type.
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 8e-2, torch.float16: 1e-2}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, what was found, and whether that is as it must be."""

    what: str
    found: str
    passed: bool


def check_model(model: LanguageModel) -> list[Check]:
    """Check a model against plain passes; a model of any size that loads, a few prompts, no data.

    Returns
    -------
    list of Check
        Sizes, prompt, answer tokens, states, answers, hooks, steering.
    """
    problems = generate_problems(N_PROBLEMS, seed=0)
    prompts = encode_problems(model, problems, own_wording())[:N_PROBLEMS]
    checks: tuple[Callable[[LanguageModel, Sequence[Sequence[int]]], Check], ...] = (
        _sizes,
        _prompt,
        _answer_tokens,
        _states,
        _answers,
        _hooks,
        _steering,
    )
    return [check(model, prompts) for check in checks]


def check_on_processes(name: str, n_processes: int, **options: Any) -> list[Check]:
    """Check a model whose layers are shared by processes that are started here, one a GPU where there are GPUs.

    Parameters
    ----------
    name : str
        Name in the zoo.
    n_processes : int
        Must divide the model's heads.
    **options
        As of :func:`brainalign.zoo.load_model`.

    Raises
    ------
    ModelError
        As of `load_model`, or too few GPUs, or a process that ended early.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    n_gpus = torch.cuda.device_count()
    if n_gpus and n_gpus < n_processes:
        raise ModelError(f"expected a GPU for each of {n_processes} processes, found {n_gpus}: start fewer")
    config = LaunchConfig(
        run_id=f"check-{os.getpid()}",
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=n_processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        monitor_interval=0.1,
    )
    try:
        found = elastic_launch(config, _take_part)(name, n_processes, options)[0]
    except ChildFailedError as error:
        first = str(error.get_first_failure()[1].message).strip().splitlines()[-1]
        raise ModelError(
            f"expected {n_processes} processes that hold {name}, found one that ended: {first}: see what it wrote"
        ) from error
    if isinstance(found, ModelError):
        raise found
    return list(found)


def _take_part(name: str, n_processes: int, options: Mapping[str, Any]) -> "list[Check] | ModelError":
    """Be one of the processes; what the user has to mend is an answer, as all of them meet it."""
    torch.set_num_threads(1)
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    torch.distributed.init_process_group("nccl" if gpu else "gloo")
    try:
        return check_model(load_model(name, processes=n_processes, **options))
    except ModelError as error:
        return error
    finally:
        torch.distributed.destroy_process_group()


def _sizes(model: LanguageModel, prompts: Sequence[Sequence[int]]) -> Check:
    facts = model.facts
    found = (count_parameters(model.module), model.n_layers, model.hidden_size)
    text = f"{found[0]:,} parameters, {found[1]} layers of width {found[2]}, {model.module.dtype}".replace("torch.", "")
    return Check("sizes", text, found == (facts.n_parameters, facts.n_layers, facts.hidden_size))


def _prompt(model: LanguageModel, prompts: Sequence[Sequence[int]]) -> Check:
    begin = model.tokenizer.bos_token_id
    ends = model.tokenizer.decode(list(prompts[0][-4:]))
    doubled = begin is not None and list(prompts[0][:2]) == [begin, begin]
    found = f"{len(prompts[0])} tokens, ends with {ends!r}" + (", begins twice" if doubled else "")
    return Check("prompt", found, not doubled)


def _answer_tokens(model: LanguageModel, prompts: Sequence[Sequence[int]]) -> Check:
    words = [[model.tokenizer.decode([token]).strip() for token in ids] for ids in (model.true_ids, model.false_ids)]
    found = f"True {list(model.true_ids)}, False {list(model.false_ids)}"
    return Check("answer tokens", found, set(words[0]) == {"True"} and set(words[1]) == {"False"})


def _states(model: LanguageModel, prompts: Sequence[Sequence[int]]) -> Check:
    values, _ = extract_prompts(model, prompts)
    worst = 0.0
    for number, ids in enumerate(prompts):
        for place, site in enumerate(SITES):
            plain: dict[int, torch.Tensor] = {}

            def keep(layer: int, state: torch.Tensor, plain: dict[int, torch.Tensor] = plain) -> None:
                plain[layer] = state[0, -1].float().cpu()

            with hooked(model, site, range(model.n_layers), keep):
                model.forward(ids)
            for layer, state in plain.items():
                found = torch.from_numpy(values[place, layer, number])
                worst = max(worst, _difference(found, state))
    return Check("states", f"differ by at most {worst:.1e} of a layer's largest", worst <= _tolerance(model))


def _answers(model: LanguageModel, prompts: Sequence[Sequence[int]]) -> Check:
    _, answers = extract_prompts(model, prompts)
    logits = torch.stack([model.forward(ids) for ids in prompts])
    plain = model.score(logits)
    spread = float(logits.abs().max())
    worst = float(abs(plain.margin - answers.margin).max()) / spread
    names = {1: "True", 0: "False", -1: "neither"}
    found = f"{', '.join(names[int(answer)] for answer in answers.answer)}; margins differ by {worst:.1e}"
    return Check("answers", found, worst <= _tolerance(model))


def _hooks(model: LanguageModel, prompts: Sequence[Sequence[int]]) -> Check:
    before = model.forward(prompts[0])
    moved = 0
    with hooked(model, "attention", range(model.n_layers), lambda layer, state: state + 1.0) as firings:
        moved = int(not torch.equal(model.forward(prompts[0]), before))
    fired = sum(firing.count for firing in firings)
    gone = torch.equal(model.forward(prompts[0]), before)
    found = f"{fired} of {model.n_layers} fired, {'gone' if gone else 'left behind'} afterwards"
    return Check("hooks", found, bool(moved) and gone and fired == model.n_layers)


def _steering(model: LanguageModel, prompts: Sequence[Sequence[int]]) -> Check:
    """Steer the middle half at the last token, by prefilled prompts and by a plain pass."""
    layers = list(range(model.n_layers // 4, model.n_layers // 4 + max(1, model.n_layers // 2)))
    values, _ = extract_prompts(model, prompts)
    scale = torch.from_numpy(abs(values[0, layers]).mean(axis=(1, 2))).float()
    drawn = torch.from_numpy(stream("zoo.check").standard_normal((len(layers), model.hidden_size))).float()
    added = drawn * scale[:, None]
    steered = prefill_prompts(model, prompts, layers[0]).answer(torch.tensor([0]), layers, added[None]).margin[0]
    with displaced(model, "attention", layers, added):
        logits = model.forward(prompts[0])
    plain = model.score(logits[None]).margin[0]
    unsteered = model.score(model.forward(prompts[0])[None]).margin[0]
    worst = abs(float(steered - plain)) / float(logits.abs().max())
    found = f"margin {unsteered:+.3f} becomes {steered:+.3f}, differs by {worst:.1e} from a plain pass"
    return Check("steering", found, worst <= _tolerance(model) and bool(plain != unsteered))


def _difference(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max().clamp_min(1e-6))


def _tolerance(model: LanguageModel) -> float:
    return TOLERANCE[model.module.dtype]
