"""What choosing is worth, against draws."""

import numpy as np
import pytest

from brainalign.reports.scaling.selection import cost_table, selection_table

from .conftest import Reported


def test_every_arm_is_counted_over_all_seeds(reported: Reported) -> None:
    table = selection_table(reported.found.studies)
    assert len(table.rows) == 6 * 3
    assert {row[3] for row in table.rows} == {"4"}
    rows = [row for name in reported.names for row in reported.store.read_trials(name)]
    model, bests = "nano-llama-0.4m", []
    for name in reported.names:
        own = [r for r in rows if (r.study, r.model, r.arm, r.part) == (name, model, "guided", "selection")]
        bests.append(max(row.objective for row in own if row.kind == "nari"))
    cells = next(row for row in table.rows if row[1:3] == (model, "guided"))
    assert float(cells[4]) == pytest.approx(np.mean(bests), abs=6e-4)
    assert cells[6] in ("random_direction", "bias")
    assert float(cells[8]) == pytest.approx(float(cells[4]) - float(cells[7]), abs=2e-3)


def test_costs_are_sums_of_what_ran(reported: Reported) -> None:
    row = next(r for r in cost_table(reported.found.studies).rows if r[:2] == ("nari", "nano-llama-0.1m"))
    assert row[2] == str(2 * 3 * (2 + 1))
    assert row[4] == "3.8 min"  # 18 trials of 12.5 s
