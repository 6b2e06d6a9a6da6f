"""The README's commands run as they stand and print what it shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Start

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, f"the README has no block {marker}"
    return found[1]


def run(command: str) -> str:
    """The output of a README command, with this environment's programs in place of the checkout's own."""
    here = command.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", here], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_card_of_the_story_is_the_one_shown() -> None:
    assert run(block("runs: explain")) == block("the card")


@pytest.mark.server
def test_the_request_of_today_sent_with_curl_gives_the_same_card(start: Start) -> None:
    command = block("runs: request").replace("http://127.0.0.1:8000", start().base)
    assert run(command) == block("the card")


def test_every_path_of_the_map_is_there() -> None:
    named = re.findall(r"`((?:cds_service|fhir_fixtures|docs)/[^`]*|[A-Z]+\.md)`", README)
    assert len(named) > 6
    assert [path for path in named if not (ROOT / path).exists()] == []
