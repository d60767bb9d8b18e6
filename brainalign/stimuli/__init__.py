"""Deductive problems: stable ids, a logic solver, generators, readers, premise orders, wordings, surface and split."""

from brainalign.stimuli.generator import GENERATED_TYPES, generate_problems
from brainalign.stimuli.logic import contradicts, decide, entails
from brainalign.stimuli.orders import (
    Distinct,
    OrderPlan,
    PremiseOrder,
    distinct_prompts,
    forward_order,
    kendall_tau,
    order_number,
    order_of,
    parse_orders,
    premise_orders,
)
from brainalign.stimuli.problems import (
    ALL_REASONING_TYPES,
    REASONING_TYPES,
    Problem,
    ProblemSet,
    ReasoningType,
    clean_sentence,
)
from brainalign.stimuli.readers import (
    Accuracy,
    HumanAnswer,
    HumanAnswers,
    MinimalPair,
    Question,
    read_minimal_pairs,
    read_people,
    read_problems,
    read_questions,
    read_records,
    scanner_picture_problem,
    write_problems,
)
from brainalign.stimuli.release_wording import release_wording
from brainalign.stimuli.shortcut import Shortcut, negation_accuracy, shortcut_scores
from brainalign.stimuli.split import Split, logical_form, split_problems
from brainalign.stimuli.wording import ChatTexts, Wording, own_wording
from brainalign.stimuli.words import VOCABULARIES

__all__ = [
    "ALL_REASONING_TYPES",
    "GENERATED_TYPES",
    "REASONING_TYPES",
    "VOCABULARIES",
    "Accuracy",
    "ChatTexts",
    "Distinct",
    "HumanAnswer",
    "HumanAnswers",
    "MinimalPair",
    "OrderPlan",
    "PremiseOrder",
    "Problem",
    "ProblemSet",
    "Question",
    "ReasoningType",
    "Shortcut",
    "Split",
    "Wording",
    "clean_sentence",
    "contradicts",
    "decide",
    "distinct_prompts",
    "entails",
    "forward_order",
    "generate_problems",
    "kendall_tau",
    "logical_form",
    "negation_accuracy",
    "order_number",
    "order_of",
    "own_wording",
    "parse_orders",
    "premise_orders",
    "read_minimal_pairs",
    "read_people",
    "read_problems",
    "read_questions",
    "read_records",
    "release_wording",
    "scanner_picture_problem",
    "shortcut_scores",
    "split_problems",
    "write_problems",
]
