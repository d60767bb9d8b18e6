"""What the kinds that fine-tune have in common: train once, then ask generated problems in all premise orders.

Both parts of a study train alike; they differ in whom they ask. The selection part asks problems of the "validation"
vocabulary, which also choose the epoch that is kept; the report part asks problems of the "test" vocabulary, once. No
word of either is in a problem that is trained on.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainalign.artifacts import Part, Result, content_key, provenance
from brainalign.betas import ROIS
from brainalign.errors import InputError
from brainalign.finetuning.config import ARMS, DATA_SIZES, SITES, TARGETS, VERSION, NarfConfig
from brainalign.spaces import Choice, DepthRange, Range, Space, check_layers, resolve_layers
from brainalign.steering.config import LOSSES
from brainalign.trials.nari import Nari
from brainalign.trials.protocol import Ask, DataSize, Resources, Work, result_key
from brainalign.trials.rungs import EPOCHS, Rungs, RungUnit
from brainalign.trials.settings import check_choices, check_numbers, points

if TYPE_CHECKING:
    from brainalign.finetuning import NarfObjective, TrainingConfig, TrainingRecord
    from brainalign.stimuli import ProblemSet
    from brainalign.trials.context import Context
    from brainalign.zoo import ModelFacts

SCANNER = "scanner"
_GENERATED = {f"generated-{size}": size for size in DATA_SIZES}
TRAINING_SETS = (SCANNER, *_GENERATED)
VOCABULARIES: Mapping[Part, str] = {"selection": "validation", "report": "test"}
WORKING_GIB = 2.0
_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "site": SITES,
    "targets": TARGETS,
    "loss": tuple(LOSSES),
    "roi": ROIS,
    "train_on": TRAINING_SETS,
}
_LEAST = {
    "train_weight": 0.0,
    "reg_weight": 0.0,
    "label_loss_weight": 0.0,
    "lora_rank": 0,
    "learning_rate": 1e-9,
    "epochs": 1,
    "batch_size": 1,
    "validate_every": 1,
    "patience": 1,
    "validation_problems": 1,
    "test_problems": 1,
}
# What costs are modelled with: of a prompt's tokens those that it shares with no other of its type, the orders of three
# premises, a forward pass and a backward one of twice its size, and tokens of one pass.
_OWN_SHARE = 0.2
_N_ORDERS = 6
_N_TYPES = 2
_PASSES_A_STEP = 3
_TOKENS_A_PASS = 4096
_RESULT_BYTES = 80_000
_BRAIN = ("site", "targets", "loss", "roi", "reg_weight")
_WHOLE = ("lora_rank", "epochs", "batch_size", "validate_every", "patience", "validation_problems", "test_problems")


@dataclass(frozen=True)
class _Halts:
    """Says of a training whether its rungs end it."""

    rungs: Rungs

    def __call__(self, record: "TrainingRecord") -> bool:
        return self.rungs.verdict(record.best_by(self.rungs.at))[0] != "go"


class Tuning:
    """Fine-tuning of the attention modules of some layers by the losses whose weights are above 0.

    ``lora_rank`` 0 trains the modules in full. ``train_on`` names the scanner's problems or a generated set, which has
    no betas and so the label's loss alone. ``patience`` counts validations without a gain before training stops.
    """

    version = 1
    objectives: tuple[str, ...] = (
        "net_balanced_accuracy",
        "net_accuracy",
        "balanced_accuracy",
        "worst_order",
        "all_orders",
    )
    minimised: tuple[str, ...] = ("broken", "invalid")
    selects = True
    batched = True
    rung_unit: RungUnit | None = EPOCHS

    def __init__(self, name: str, *, by_brain: bool, by_label: bool) -> None:
        self.name = name
        self.by_brain, self.by_label = by_brain, by_label
        self.arms: tuple[str, ...] = tuple(ARMS) if by_brain else (name,)
        self.default_arms: tuple[str, ...] = ("guided", "random_betas") if by_brain else (name,)
        self._nari = Nari()

    def default_setting(self) -> dict[str, Any]:
        """Return the source's setting: LoRA of rank 8 on the middle half, learning rate 1e-4, 100 epochs."""
        brain = {
            "site": "attention",
            "targets": "direct",
            "loss": "cosine",
            "roi": "deductive_reasoning",
            "train_weight": 0.1 if self.by_label else 1.0,
            "reg_weight": 1.0,
        }
        return {
            "layers": {"start": 0.25, "width": 0.5},
            **(brain if self.by_brain else {}),
            **({"label_loss_weight": 1.0} if self.by_brain and self.by_label else {}),
            "lora_rank": 8,
            "learning_rate": 1e-4,
            "train_on": SCANNER,
            "epochs": 100,
            "batch_size": 14,
            "validate_every": 1,
            "patience": 10,
            "validation_problems": 16,
            "test_problems": 32,
        }

    def default_space(self) -> Space:
        """Return a space over layers, learning rate, rank and, of two losses, the weight of the brain's."""
        setting = self.default_setting()
        fixed = {name: Choice(options=(value,)) for name, value in setting.items() if not isinstance(value, Mapping)}
        searched: dict[str, Any] = {
            "layers": DepthRange(start=Range(low=0.0, high=0.75), width=Range(low=0.1, high=0.75)),
            "learning_rate": Range(low=1e-5, high=1e-3, log=True),
            "lora_rank": Choice(options=(4, 8, 16)),
        }
        if self.by_brain and self.by_label:
            searched["train_weight"] = Range(low=0.01, high=1.0, log=True)
        return {**fixed, **searched}

    def check(self, space: Space, model: "ModelFacts", n_subjects: int) -> None:
        """Raise InputError where a point of the space cannot run on the model."""
        check_choices(self.name, space, {name: valid for name, valid in _CHOICES.items() if name in space})
        check_numbers(self.name, space, {name: least for name, least in _LEAST.items() if name in space}, _WHOLE)
        check_layers(f"{self.name}: layers", space["layers"], model.n_layers)
        weights = [name for name in ("train_weight", "label_loss_weight") if name in space]
        if weights and all(0 in points(space, name) for name in weights):
            raise InputError(
                f"{self.name}: expected a loss with a weight above 0 in every point, found 0 for {', '.join(weights)}"
                ": nothing would be learned; leave 0 out"
            )

    def resources(self, model: "ModelFacts") -> Resources:
        """Return one core, and the model's memory with room for gradients of its adapters and for activations."""
        needed = model.memory_gib + WORKING_GIB
        return Resources(cpus=1, gpus=0, memory_gib=needed, device_memory_gib=needed)

    def work(self, ask: Ask, model: "ModelFacts", data: DataSize) -> Work:
        """Count passes over examples, forward and backward, and over problems in all orders, forward alone.

        The report part is asked with what the selection part trained. Patience is not foreseen.
        """
        setting, trains = ask.setting, ask.part == "selection"
        n_examples = _GENERATED.get(setting["train_on"]) or sum(data.n_problems.values())
        n_epochs, n_batches = int(setting["epochs"]), math.ceil(n_examples / int(setting["batch_size"]))
        own, shared = _OWN_SHARE * data.n_prompt_tokens, (1 - _OWN_SHARE) * data.n_prompt_tokens
        size = int(setting["validation_problems" if trains else "test_problems"])
        asked = _N_TYPES * (shared + size * _N_ORDERS * own)
        n_asked = 2 + (n_epochs // int(setting["validate_every"]) if trains else 0)  # before, after, and while training
        trained = n_epochs * (n_batches * _N_TYPES * shared + n_examples * own) if trains else 0.0
        rank = int(setting["lora_rank"])
        n_layers = len(resolve_layers(setting["layers"], model.n_layers))
        n_kept = n_layers * model.hidden_size * (8 * rank if rank else 4 * model.hidden_size)
        return Work(
            flops=2 * model.n_parameters * (n_asked * asked + _PASSES_A_STEP * trained),
            passes=n_asked * math.ceil(asked / _TOKENS_A_PASS) + _PASSES_A_STEP * n_epochs * n_batches * trains,
            kept_bytes=2 * 4.0 * n_kept * trains + _RESULT_BYTES,
        )

    def config(self, ask: Ask, n_layers: int) -> NarfConfig:
        """Spell a setting as the configuration of an objective on a model with so many layers."""
        brain = {name: ask.setting[name] for name in _BRAIN if name in ask.setting}
        return NarfConfig(
            layers=resolve_layers(ask.setting["layers"], n_layers),
            lora_rank=int(ask.setting["lora_rank"]) or None,
            train_weight=float(ask.setting["train_weight"]) if self.by_brain else 0.0,
            label_loss_weight=float(ask.setting.get("label_loss_weight", 1.0)) if self.by_label else 0.0,
            **brain,
        )

    def training(self, ask: Ask) -> "TrainingConfig":
        """Spell a setting as the configuration of a training."""
        from brainalign.finetuning import TrainingConfig

        setting = ask.setting
        return TrainingConfig(
            learning_rate=float(setting["learning_rate"]),
            n_epochs=int(setting["epochs"]),
            batch_size=int(setting["batch_size"]),
            validate_every=int(setting["validate_every"]),
            patience=int(setting["patience"]),
        )

    def identity(self, ask: Ask, context: "Context") -> dict[str, Any]:
        """Return what the answers depend on: the training, and the problems that are asked."""
        asked = {"test_problems": ask.setting["test_problems"]} if ask.part == "report" else {}
        return {"training": self.training_key(ask, context), "part": ask.part, **asked}

    def training_key(self, ask: Ask, context: "Context") -> str:
        """Name a training by what it depends on, the same for both parts; without a brain loss betas do not count."""
        config = self.config(ask, context.model.n_layers)
        basis: dict[str, Any] = {
            "arm": ask.arm,
            "replicate": ask.replicate,
            "train_on": ask.setting["train_on"],
            "validation_problems": ask.setting["validation_problems"],
            "training": asdict(self.training(ask)),
            "finetuning": VERSION,
        }
        if self.by_brain:
            basis |= {"config": asdict(config), **context.stands_on}
            if config.targets != "direct":
                basis["search"] = result_key(self._nari, self._search(ask), context)
        else:
            basis |= {
                "layers": config.layers,
                "lora_rank": config.lora_rank,
                "on": sorted(context.dataset.problems.ids),
                "weights": context.model.weights_hash,
                "wording": context.dataset.wording_hash,
            }
        return content_key(f"training-{self.name}", self.version, basis)

    def run(self, ask: Ask, context: "Context", key: str) -> Result:
        """Train, or find what was trained for the other part, and ask the part's problems before and after."""
        from brainalign.evaluation import answer_orders, score_orders
        from brainalign.finetuning import tuning_outcomes
        from brainalign.steering import summarise

        problems = self.problems(ask, ask.part, context)
        before = context.order_answers(problems)
        with self.trained(ask, context) as record:
            ask.rungs.halt(record.best_by(ask.rungs.at))
            after = answer_orders(context.model, problems, context.dataset.wording)
        outcomes = tuning_outcomes(before, after, key, ask.arm)
        summary, scores = summarise(outcomes), score_orders(after, "all").to_json()
        orders = {name: scores[name] for name in ("worst_order", "all_orders") if scores[name] is not None}
        best = {} if record.best is None else {"best_epoch": float(record.best.epoch)}
        detail = {
            "summary": summary.to_json(),
            "before": score_orders(before, "all").to_json(),
            "after": scores,
            "training": record.to_json(),
            "layers": list(self.config(ask, context.model.n_layers).layers),
            "part": ask.part,
        }
        metrics = {**summary.metrics(), **orders, **best}
        return Result(key, self.name, ask.arm, metrics, detail, outcomes, provenance())

    def rung_values(self, ask: Ask, result: Result) -> dict[int, float]:
        """Return the best validation up to each rung's epoch."""
        from brainalign.finetuning import TrainingRecord

        return TrainingRecord.from_json(result.detail["training"]).best_by(ask.rungs.at)

    @contextmanager
    def trained(self, ask: Ask, context: "Context") -> "Iterator[TrainingRecord]":
        """Give the context's model the weights that validated best, until this is left."""
        from brainalign.finetuning import Execution, OrderValidator, Training, trained

        key = self.training_key(ask, context)
        execution = context.execution or Execution()
        micro_batch = max(1, execution.micro_batch // context.batch_divisor)
        training = Training(
            self.objective(ask, context, (key, ask.replicate)),
            self.training(ask),
            (key, ask.replicate),
            context.store.checkpoint_folder(key),
            OrderValidator(self.problems(ask, "selection", context), context.dataset.wording),
            replace(execution, micro_batch=micro_batch),
            _Halts(ask.rungs) if ask.rungs.steps else None,
        )
        with trained(context.model, self.config(ask, context.model.n_layers), training) as record:
            yield record

    def save(self, ask: Ask, context: "Context", folder: Path) -> Path:
        """Write the weights that a finished training kept into a folder of the arm and the seed."""
        from brainalign.finetuning import save_adapter, trained_parameters

        place = folder / f"{context.model_name}-{self.name}-{ask.arm}-{ask.replicate}"
        about = {"brainalign": self.training_key(ask, context), **provenance()}
        config = self.config(ask, context.model.n_layers)
        with self.trained(ask, context):
            return save_adapter(trained_parameters(context.model), context.model, config, place, about)

    def problems(self, ask: Ask, part: Part, context: "Context") -> "ProblemSet":
        """Problems that a part asks: of each type of reasoning in the data as many as the setting says."""
        from brainalign.stimuli import generate_problems

        size = int(ask.setting["validation_problems" if part == "selection" else "test_problems"])
        types = tuple(sorted(set(context.dataset.problems.types.tolist())))
        return generate_problems(size, 0, reasoning_types=types, vocabulary=VOCABULARIES[part])

    def objective(self, ask: Ask, context: "Context", names: tuple[str | int, ...]) -> "NarfObjective":
        """Build the objective of a setting under an arm."""
        from brainalign.finetuning import TrainingSet, build_objective, generate_training_problems, guidance_inputs

        config, dataset = self.config(ask, context.model.n_layers), context.dataset
        n_generated = _GENERATED.get(ask.setting["train_on"])
        problems = generate_training_problems(n_generated, ask.replicate) if n_generated else dataset.problems
        examples = TrainingSet.encode(context.model, problems, dataset.wording)
        if config.train_weight == 0:
            return build_objective(examples, config)
        inputs = guidance_inputs(context.activations, dataset, config)
        reached = None if config.targets == "direct" else self._nari.displacements(self._search(ask), context)
        return build_objective(examples, config, inputs, arm=ask.arm, names=names, displacements=reached)

    def _search(self, ask: Ask) -> Ask:
        """Ask for the search on the selection part whose states are the targets."""
        same = {name: ask.setting[name] for name in ("layers", "roi", "loss")}
        return Ask({**self._nari.default_setting(), **same}, ARMS[ask.arm], "selection", ask.replicate)
