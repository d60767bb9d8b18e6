"""What a running study shows: trials done of how many, the best so far, time left."""

import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from brainalign.artifacts import TrialRow
from brainalign.study import Study
from brainalign.trials import trial_kind


class Listener(Protocol):
    """Hears what a driver does."""

    def begin(self, n_done: int, n_total: int) -> None:
        """Trials may start; so many are done of how many."""

    def note(self, text: str) -> None:
        """Something besides trials is going on."""

    def finished(self, row: TrialRow, n_done: int, n_total: int) -> None:
        """Hear of a trial that reached a final state."""


class Silent:
    """Shows nothing."""

    def begin(self, n_done: int, n_total: int) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def finished(self, row: TrialRow, n_done: int, n_total: int) -> None:
        """Show nothing."""


class StudyProgress:
    """A progress bar on a terminal, one line a trial elsewhere.

    Time left is extrapolated from the trials that were finished since the start of this run.
    """

    def __init__(self, console: Console, study: Study) -> None:
        self._console, self._study = console, study
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, TextColumn("{task.fields[left]}  {task.fields[best]}"), console=console)
        self._task = self._bar.add_task("trials", total=None, left="", best="")
        self._best: TrialRow | None = None
        self._began = time.monotonic()
        self._n_before = 0

    def __enter__(self) -> "StudyProgress":
        """Start to draw."""
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing."""
        if self._console.is_terminal:
            self._bar.stop()

    def begin(self, n_done: int, n_total: int) -> None:
        """Note where this run starts from."""
        self._began, self._n_before = time.monotonic(), n_done
        self._bar.update(self._task, completed=n_done, total=n_total)

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(f"[dim]{escape(text)}[/dim]", highlight=False)

    def finished(self, row: TrialRow, n_done: int, n_total: int) -> None:
        """Move the bar and remember the best objective of the method, not its controls, on the selection part."""
        if row.part == "selection" and trial_kind(row.kind).selects and row.arm == trial_kind(row.kind).arms[0]:
            # Figures of different kinds cannot be compared: the line shows the kind that finished last.
            rivals = [self._best] if self._best and self._best.kind == row.kind else []
            self._best = self._study.goals(row.kind).best([*rivals, row]) or self._best
        left = self._left(n_done, n_total)
        best = f"best so far {self._best.objective:+.3f} ({self._best.arm} {self._best.number})" if self._best else ""
        self._bar.update(self._task, completed=n_done, total=n_total, left=left, best=best)
        if not self._console.is_terminal:
            ended = "stopped early" if row.state == "PRUNED" else "failed"
            score = ended if row.objective is None else f"{row.objective:+.3f}"
            line = f"{n_done}/{n_total}  {row.place}  {score}  {row.seconds:.1f} s  {left}  {best}"
            self._console.print(line, highlight=False, soft_wrap=True)

    def _left(self, n_done: int, n_total: int) -> str:
        n_here = n_done - self._n_before
        if n_here < 1:
            return ""
        seconds = (time.monotonic() - self._began) / n_here * max(n_total - n_done, 0)
        return f"{int(seconds // 60)}:{int(seconds % 60):02d} left"
