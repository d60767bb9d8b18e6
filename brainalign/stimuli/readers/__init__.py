"""Readers of problem sets, people's answers and other questions; each file's format shows in its fields."""

from brainalign.stimuli.readers.items import read_problems
from brainalign.stimuli.readers.jsonl import write_problems
from brainalign.stimuli.readers.people import Accuracy, HumanAnswer, HumanAnswers, read_people
from brainalign.stimuli.readers.questions import MinimalPair, Question, read_minimal_pairs, read_questions
from brainalign.stimuli.readers.records import read_records
from brainalign.stimuli.readers.release import scanner_picture_problem

__all__ = [
    "Accuracy",
    "HumanAnswer",
    "HumanAnswers",
    "MinimalPair",
    "Question",
    "read_minimal_pairs",
    "read_people",
    "read_problems",
    "read_questions",
    "read_records",
    "scanner_picture_problem",
    "write_problems",
]
