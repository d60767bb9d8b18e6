"""Servers are waited for until they answer, and nothing is left of those that do not."""

import os
import sys
from pathlib import Path

from brainalign.servers import LOOPBACK, Server, free_port


def test_a_server_answers_and_is_stopped(tmp_path: Path) -> None:
    url = f"http://{LOOPBACK}:{(port := free_port())}"
    command = [sys.executable, "-m", "http.server", str(port), "--bind", LOOPBACK, "--directory", str(tmp_path)]
    served = Server.start(url, command, os.environ, tmp_path / "log")
    assert served.answers(url, 30)
    assert served.process is not None
    assert served.process.poll() is None
    served.stop()
    assert served.process.poll() is not None
    assert not served.answers(url, 5)


def test_one_that_ends_or_is_silent_leaves_nothing(tmp_path: Path) -> None:
    url = f"http://{LOOPBACK}:{free_port()}"
    ended = Server.start(url, [sys.executable, "-c", "print('no')"], os.environ, tmp_path / "log")
    assert not ended.answers(url, 30)
    assert (tmp_path / "log").read_text() == "no\n"
    silent = Server.start(url, [sys.executable, "-c", "import time; time.sleep(60)"], os.environ, tmp_path / "log")
    assert not silent.answers(url, 0.5)
    assert silent.process is not None
    assert silent.process.poll() is not None
