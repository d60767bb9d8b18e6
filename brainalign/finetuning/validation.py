"""What a training is validated by: answers to problems in all orders of their premises."""

from dataclasses import dataclass

from brainalign.evaluation import answer_orders, score_orders
from brainalign.stimuli import ProblemSet, Wording
from brainalign.zoo import LanguageModel


@dataclass(frozen=True)
class OrderValidator:
    """Scores a model by its balanced accuracy over problems and all orders of their premises."""

    problems: ProblemSet
    wording: Wording

    def __call__(self, model: LanguageModel) -> float:
        """Ask the model; higher is better."""
        answers = answer_orders(model, self.problems, self.wording)
        return score_orders(answers, n_resamples=1).intervals["balanced_accuracy"].estimate
