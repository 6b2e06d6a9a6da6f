"""What a wheel carries: the service must run from it alone, in an environment that has never seen the checkout."""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import requests

from tests.conftest import free_port

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, timeout=110)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_data_file_of_the_checkout(wheel: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    data = {path for path in tracked if path.startswith("cds_service/") and not path.endswith(".py") and (ROOT / path).is_file()}
    stories = {
        f"cds_service/fixtures/{path.removeprefix('fhir_fixtures/')}" for path in tracked if path.startswith("fhir_fixtures/")
    }
    carried = set(zipfile.ZipFile(wheel).namelist())
    assert (data | stories) - carried == set()


@pytest.mark.server
def test_the_service_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """Installed beside the libraries but without the checkout: it serves, and its stories are there."""
    site = tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(command, check=True, timeout=110)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    port = free_port()
    program = [sys.executable, "-c", "import cds_service, sys; from cds_service.cli import main; sys.exit(main())"]
    where = subprocess.run(
        [sys.executable, "-c", "import cds_service; print(cds_service.__file__)"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert where.startswith(str(site))
    told = subprocess.run(
        [*program, "request", "rebound/abrupt-stop-alt-150"], env=environment, cwd=tmp_path, capture_output=True, check=True
    ).stdout
    server = subprocess.Popen(
        [*program, "serve", "--port", str(port)],
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(500):
            try:
                requests.get(f"{url}/healthz", timeout=1)
                break
            except requests.ConnectionError:
                time.sleep(0.02)
        assert [s["hook"] for s in requests.get(f"{url}/cds-services", timeout=5).json()["services"]]
        answer = requests.post(
            f"{url}/cds-services/tacrolimus-patient-view", told, headers={"Content-Type": "application/json"}, timeout=5
        )
        assert [card["source"]["topic"]["code"] for card in answer.json()["cards"]] == ["rebound"]
        assert "C1" in requests.get(f"{url}/knowledge", timeout=5).text
    finally:
        server.terminate()
        server.wait(10)
    assert json.loads(told)["hook"] == "patient-view"
