"""The first requests of a worker come at once, from many threads: nothing may be left to do for the first time then.

msgspec crashes the process where two threads make it learn the same type at the same time.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMPOSED = """
import json, logging, sys, threading
from functools import _lru_cache_wrapper
from inspect import signature
import msgspec
from cds_service.app import compose, configuration
from cds_service.stories.story import find

learnt, decoder = set(), msgspec.json.Decoder
msgspec.json.Decoder = lambda kind=object: learnt.add(getattr(kind, "__qualname__", "")) or decoder(kind)
application = compose(configuration(host="127.0.0.1", port=8000))
logging.disable(logging.CRITICAL)
tables = {
    f"{name}.{key}": value.cache_info().currsize
    for name, module in list(sys.modules.items())
    if name.startswith("cds_service.") and not name.startswith("cds_service.web")
    for key, value in vars(module).items()
    if isinstance(value, _lru_cache_wrapper) and not signature(value).parameters
}
story, ready, told = find("rebound/abrupt-stop-alt-150"), threading.Barrier(12), []

def ask():
    client = application.test_client()
    ready.wait()
    told.append(client.post(f"/cds-services/{story.service}", data=story.request, content_type="application/json").status_code)

sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=ask) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"tables": tables, "learnt": sorted(learnt), "told": told}))
"""


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process tells that has composed the service and then answered twelve requests at once."""
    done = subprocess.run(
        [sys.executable, "-c", COMPOSED],
        cwd=tmp_path_factory.mktemp("composed"),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parent.parent)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_table_has_been_read_before(composed: dict[str, Any]) -> None:
    assert len(composed["tables"]) > 10
    assert [name for name, read in composed["tables"].items() if not read] == []


def test_every_type_has_been_learnt_before(composed: dict[str, Any]) -> None:
    assert {"Orders", "Claim", "Parameters", "Observation", "Feedback"} <= set(composed["learnt"])


def test_all_are_answered(composed: dict[str, Any]) -> None:
    assert composed["told"] == [200] * 12
