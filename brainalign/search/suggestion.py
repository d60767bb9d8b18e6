"""Suggestions as a function of names: trial i's setting depends on the study, its place and the trials it learns from.

Nothing is carried from trial to trial but results. For each trial a fresh sampler is seeded by the trial's name and
given a view of what it may see; random and QMC see nothing, and a grid is walked in an order drawn by name.
"""

from typing import Any

from brainalign.artifacts import stream
from brainalign.errors import StudyError
from brainalign.search.ledger import Ledger
from brainalign.search.parameters import Parameters
from brainalign.search.view import BranchView
from brainalign.spaces import Scalar, grid
from brainalign.study import Branch, Place


class Suggester:
    """Chooses settings for a ledger's places.

    Parameters
    ----------
    ledger : Ledger
        What is done and running.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._views: dict[Branch, BranchView] = {}
        self._grids: dict[Branch, list[dict[str, Scalar]]] = {}

    def suggest(self, place: Place) -> dict[str, Any]:
        """Choose the setting of a place: on the report part the winner's, unchanged.

        Raises
        ------
        StudyError
            The report part of a branch without a winner.
        """
        study, branch = self._ledger.study, place.branch
        if place in self._ledger.paused:
            return dict(self._ledger.paused[place])
        if place in self._ledger.again:
            return dict(self._ledger.again[place].setting)
        if place.part == "report":
            winner = self._ledger.winner(branch)
            if winner is None:
                raise StudyError(
                    f"expected a winner of {branch} before its report, found none: finish its trials first"
                )
            return dict(winner.setting)
        section = study.kinds[branch.kind]
        if place.number < len(section.enqueue):
            return study.enqueued(branch.kind)[place.number]
        carried = self._ledger.carried(place)
        if carried is not None:
            return dict(carried)
        if section.sampler == "grid":
            return self._grid_point(branch, place.number - len(section.enqueue))
        if branch not in self._views:
            self._views[branch] = BranchView(self._ledger, branch)
        return self._views[branch].suggest(place.number)

    def _grid_point(self, branch: Branch, index: int) -> dict[str, Any]:
        """Point of a grid, again from the first when all are tried.

        The order is drawn by name, so that a budget below the grid's size sees all of it, and a larger one goes on.
        """
        study = self._ledger.study
        if branch not in self._grids:
            points = grid(study.space(branch.kind))
            order = stream("grid", study.seeds.search, branch.model, branch.kind, branch.arm).permutation(len(points))
            self._grids[branch] = [points[int(i)] for i in order]
        points = self._grids[branch]
        return Parameters.of(study, branch.kind).complete(points[index % len(points)])
