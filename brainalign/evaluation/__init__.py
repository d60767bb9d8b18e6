"""Scoring of a model's answers; knows nothing of steering or training."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from brainalign.evaluation.metrics import AnswerMetrics, answer_metrics

if TYPE_CHECKING:
    from brainalign.evaluation.evaluation import Evaluation, evaluate
    from brainalign.evaluation.order_answers import OrderAnswers, answer_orders
    from brainalign.evaluation.order_scores import OrderScores, score_orders

_HOMES = {
    "Evaluation": "evaluation",
    "OrderAnswers": "order_answers",
    "OrderScores": "order_scores",
    "answer_orders": "order_answers",
    "evaluate": "evaluation",
    "score_orders": "order_scores",
}

__all__ = [
    "AnswerMetrics",
    "Evaluation",
    "OrderAnswers",
    "OrderScores",
    "answer_metrics",
    "answer_orders",
    "evaluate",
    "score_orders",
]


def __getattr__(name: str) -> Any:
    """Load what needs torch at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'brainalign.evaluation' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"brainalign.evaluation.{_HOMES[name]}"), name)
