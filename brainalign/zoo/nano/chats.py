"""Batches of chats to train on, written as tokens at once: what the tokenizer would make of the same text.

A chat says its premises once and asks several conclusions. Each conclusion is a branch: it stands where the only one
would stand, and sees the instruction and the premises but no other conclusion. Words are drawn among all symbols of the
tokenizer, anew for each chat, so no symbol means anything by itself.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from brainalign.stimuli.wording import own_wording
from brainalign.zoo.nano.tokenizer import ASSISTANT, COUNTS, END, SYMBOLS, USER, build_tokenizer

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
_NOTHING = -1
_SHARE_OF_ENDS = 0.7
_SHARE_OF_MARKS = 0.15


@dataclass(frozen=True)
class Batch:
    """Chats of one reasoning type and number of premises.

    Attributes
    ----------
    tokens : int64 array of shape (n_chats, n_tokens)
        The shared part, then the conclusions; the last token of each is the one after which the answer is due.
    labels : bool array of shape (n_chats, n_asked)
    roles : int64 array of shape (n_chats, n_asked, 2)
        What the two words of each conclusion are in the premises: 0 at the start of the chain, 2 at its end, 1 between.
        A syllogism's name stands for what is said of it.
    n_shared : int
        Tokens of the instruction and the premises.
    """

    tokens: Integers
    labels: Booleans
    roles: Integers
    n_shared: int

    @property
    def n_each(self) -> int:
        """Tokens of each conclusion."""
        return (self.tokens.shape[1] - self.n_shared) // self.labels.shape[1]

    @property
    def branch(self) -> Integers:
        """Which conclusion each token belongs to, from 1; 0 for the shared part, int64 (n_tokens,)."""
        n_asked, n_each = self.labels.shape[1], self.n_each
        return np.concatenate([np.zeros(self.n_shared, dtype=np.int64), np.repeat(np.arange(1, n_asked + 1), n_each)])

    @property
    def position(self) -> Integers:
        """Place of each token in the chat that asks its conclusion alone, int64 (n_tokens,)."""
        place = np.arange(self.tokens.shape[1])
        return np.where(place < self.n_shared, place, self.n_shared + (place - self.n_shared) % self.n_each)

    @property
    def visible(self) -> Booleans:
        """Which token (row) sees which (column), bool (n_tokens, n_tokens)."""
        branch = self.branch
        seen = (branch == 0) | (branch == branch[:, None])
        return np.tril(seen)

    @property
    def words(self) -> Integers:
        """Places of the two words of each conclusion, int64 (n_asked, 2)."""
        return self.answers[:, None] - np.array([self.n_each - 2, 3])

    @property
    def answers(self) -> Integers:
        """Places after which answers are due, int64 (n_asked,)."""
        return self.n_shared + self.n_each * np.arange(1, self.labels.shape[1] + 1) - 1


@cache
def token(text: str) -> int:
    """Give the number of the token that a phrase or symbol is."""
    return int(build_tokenizer().convert_tokens_to_ids(text))


_MARKS = np.array([token(text) for text in (".", ",", "'", "True", "False")])


def write_batch(
    reasoning_type: str,
    n_premises: int,
    n_chats: int,
    n_asked: int,
    rng: np.random.Generator,
    *,
    in_order: float = 0.0,
    affirmed: float = 0.5,
    n_foreign: int = 0,
) -> Batch:
    """Write chats of which a share `in_order` has its premises in forward order, the others in any."""
    write = _syllogisms if reasoning_type == "syllogisms" else _transitive
    premises, conclusions, labels, roles = write(n_premises, n_chats, n_asked, affirmed, rng)
    rank = rng.random((n_chats, n_premises))
    rank[rng.random(n_chats) < in_order] = np.arange(n_premises)
    premises = np.take_along_axis(premises, rank.argsort(axis=1)[:, :, None], axis=1)
    joints = np.array([token("Premises:\n1. "), *(token(f".\n{number}. ") for number in range(2, n_premises + 1))])
    joined = np.concatenate([np.broadcast_to(joints[:, None], (n_chats, n_premises, 1)), premises], axis=2)
    said = joined[joined != _NOTHING].reshape(n_chats, -1)
    opening = _foreign(n_chats, n_foreign, rng) if n_foreign else _opening(reasoning_type, n_premises, n_chats)
    first = np.full((n_chats, n_asked, 1), token(".\nConclusion:\n"))
    last = np.broadcast_to([token(text) for text in (".", END, ASSISTANT)], (n_chats, n_asked, 3))
    asked = np.concatenate([first, conclusions, last], axis=2).reshape(n_chats, -1)
    shared = np.concatenate([opening, said], axis=1)
    return Batch(np.concatenate([shared, asked], axis=1), labels, roles, shared.shape[1])


def _opening(reasoning_type: str, n_premises: int, n_chats: int) -> Integers:
    wording = own_wording()
    before, after = wording.instructions[reasoning_type].split("{count}")
    texts = (USER, before, COUNTS[n_premises - 3], after, END, ASSISTANT, wording.acknowledgement, END, USER)
    return np.tile([token(text) for text in texts], (n_chats, 1))


def _foreign(n_chats: int, n_words: int, rng: np.random.Generator) -> Integers:
    """Messages of random words and marks in the place of the instruction and the acknowledgement."""
    n_first = n_words - n_words // 3
    words = _MARKS[rng.integers(len(_MARKS), size=(n_chats, n_words))]
    drawn = rng.integers(len(SYMBOLS), size=(n_chats, n_words)) + token(SYMBOLS[0])
    words = np.where(rng.random((n_chats, n_words)) < _SHARE_OF_MARKS, words, drawn)
    user, turn, close = ([token(text) for text in texts] for texts in ((USER,), (END, ASSISTANT), (END, USER)))
    parts = (user, words[:, :n_first], turn, words[:, n_first:], close)
    return np.concatenate([np.broadcast_to(part, (n_chats, np.shape(part)[-1])) for part in parts], axis=1)


def _syllogisms(
    n_premises: int, n_chats: int, n_asked: int, affirmed: float, rng: np.random.Generator
) -> tuple[Integers, Integers, Booleans, Integers]:
    """Rules from each term to the next, a fact about one term, questions about others."""
    n_terms = n_premises
    symbols = _draw(n_terms + 1, n_chats, rng)
    terms, name = symbols[:, :-1], symbols[:, -1]
    is_noun = _kinds_of_terms(n_terms, n_chats, rng)
    are = np.where(is_noun[:, :-1], token(" are "), token(" things are "))
    rules = np.stack([np.full_like(are, token("All ")), terms[:, :-1], are, terms[:, 1:]], axis=2)
    affirm = rng.random(n_chats) < affirmed
    given, asked = _places(n_terms, n_chats, n_asked, rng)
    fact = _facts(name, terms, is_noun, given[:, None], affirm)
    fact = np.concatenate([fact, np.full((n_chats, 1, 1), _NOTHING)], axis=2)
    labels = (asked > given[:, None]) == affirm[:, None]
    roles = _roles(np.stack(np.broadcast_arrays(given[:, None], asked), axis=2), n_terms - 1)
    return np.concatenate([rules, fact], axis=1), _facts(name, terms, is_noun, asked, affirm), labels, roles


def _roles(places: Integers, last: int) -> Integers:
    return 1 - (places == 0) + (places == last)


def _places(n_terms: int, n_chats: int, n_asked: int, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Terms that the facts and the questions are about: (n_chats,) and (n_chats, n_asked).

    Facts are mostly about either end of the chain. Of four terms and more the far end is asked first.
    """
    rows = np.arange(n_chats)
    ends = np.where(rng.random(n_chats) < 0.5, 0, n_terms - 1)
    given = np.where(rng.random(n_chats) < _SHARE_OF_ENDS, ends, rng.integers(n_terms, size=n_chats))
    rank = rng.random((n_chats, n_terms))
    rank[rows, given] = 2
    if n_terms > 3:
        rank[rows, np.where(given == 0, n_terms - 1, 0)] = -1
    return given, rank.argsort(axis=1)[:, np.arange(n_asked) % (n_terms - 1)]


def _facts(name: Integers, terms: Integers, is_noun: Booleans, places: Integers, affirm: Booleans) -> Integers:
    forms = np.array([[token(" is not "), token(" is not a ")], [token(" is "), token(" is a ")]])
    noun = np.take_along_axis(is_noun, places, axis=1).astype(np.int64)
    verb = forms[affirm.astype(np.int64)[:, None], noun]
    said = np.take_along_axis(terms, places, axis=1)
    return np.stack([np.broadcast_to(name[:, None], places.shape), verb, said], axis=2)


def _kinds_of_terms(n_terms: int, n_chats: int, rng: np.random.Generator) -> Booleans:
    """Draw which terms are nouns: the two at each end of one kind, as in `brainalign.stimuli.forms.chains`."""
    kinds = rng.random((n_chats, n_terms)) < 0.5
    if n_terms > 3:
        kinds[:, [1, -2, -1]] = kinds[:, :1]
        return kinds
    same = rng.random(n_chats) < 0.5
    kinds[same] = kinds[same, :1]
    return kinds


def _transitive(
    n_premises: int, n_chats: int, n_asked: int, affirmed: float, rng: np.random.Generator
) -> tuple[Integers, Integers, Booleans, Integers]:
    """Comparisons from each name to the next; questions about two that no premise compares."""
    symbols = _draw(n_premises + 2, n_chats, rng)
    names, scale = symbols[:, :-1], symbols[:, -1:]
    pairs = np.array([(i, j) for i in range(n_premises + 1) for j in range(i + 2, n_premises + 1)])
    chosen = pairs[rng.integers(len(pairs), size=(n_chats, n_asked))]
    if n_premises > 3:
        chosen[:, 0] = (0, n_premises)
    turned = rng.random((n_chats, n_asked)) < 0.5
    affirm = rng.random((n_chats, n_asked)) < affirmed
    chosen = np.where(turned[..., None], chosen[..., ::-1], chosen)
    premises = _comparisons(names[:, :-1], np.full((n_chats, n_premises), token(" is ")), scale, names[:, 1:])
    left, right = (np.take_along_axis(names, chosen[..., side], axis=1) for side in (0, 1))
    verb = np.where(affirm, token(" is "), token(" is not "))
    return premises, _comparisons(left, verb, scale, right), affirm != turned, _roles(chosen, n_premises)


def _comparisons(left: Integers, verb: Integers, scale: Integers, right: Integers) -> Integers:
    return np.stack(
        [left, verb, np.broadcast_to(scale, left.shape), np.full_like(left, token(" than ")), right], axis=2
    )


def _draw(n_words: int, n_chats: int, rng: np.random.Generator) -> Integers:
    """Symbols, different within each row, int64 (n_chats, n_words)."""
    drawn = rng.integers(len(SYMBOLS), size=(n_chats, n_words))
    while True:
        ordered = np.sort(drawn, axis=1)
        double = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
        if not double.any():
            return drawn + token(SYMBOLS[0])
        drawn[double] = rng.integers(len(SYMBOLS), size=(int(double.sum()), n_words))
