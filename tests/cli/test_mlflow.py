"""`brainalign mlflow` as a user types it: a server on loopback that answers with the study's experiment."""

import json
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from tests.search.quickstart import Finished
from tests.search.test_interruption import hear_ctrl_c

pytestmark = pytest.mark.cluster


def test_the_comparison_is_served_on_loopback_until_ctrl_c(finished: Finished) -> None:
    command = [sys.executable, "-m", "brainalign.cli", "mlflow", "quickstart", "--store", str(finished.store.root)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=hear_ctrl_c
    )
    assert process.stdout is not None
    address = ""
    for line in process.stdout:
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/#/experiments/(\d+)", line):
            address, experiment = found.groups()
            break
    assert address, "no address was printed"
    url = f"{address}/api/2.0/mlflow/experiments/get?experiment_id={experiment}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert json.load(answer)["experiment"]["name"] == "quickstart"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped" in output
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=5)
