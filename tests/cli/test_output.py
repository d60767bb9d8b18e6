"""What is printed is what was found, whatever characters it holds."""

import io

from rich.console import Console

from brainalign.cli.output import table


def test_brackets_in_a_cell_are_text() -> None:
    file = io.StringIO()
    rows = [("prompt", "ends with '[/INST]'"), (1.5, None)]
    Console(file=file, width=80).print(table("Check", ("what", "found"), rows))
    assert "ends with '[/INST]'" in file.getvalue()
    assert "1.500" in file.getvalue()
    assert "–" in file.getvalue()
