"""Scoring of a model's answers; knows nothing of steering or training."""

from brainalign.evaluation.metrics import AnswerMetrics, answer_metrics

__all__ = ["AnswerMetrics", "answer_metrics"]
