"""Run the benchmark: ``make bench``.

Judge by CPU per request as a ratio to the limit; wall times on a shared machine are soft.
"""

import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.charts import request
from tests.bench.server import Load, Server, free_port

BIN = Path(sys.executable).parent
SIZES = {"small": (22, 400), "typical": (122, 240), "large": (2000, 24)}
AIMS = {"typical": 2.0, "large": 0.8}
ROUNDS = 5
HEADING = "request       bytes clients   CPU ms  L CPU ms  ratio   p50 ms   p99 ms   L p50   L p99"
SERVICE = "/cds-services/tacrolimus-patient-view"


def _service(store: str, port: int) -> Server:
    environment = {"CDS_STORE": f"sqlite:///{store}", "CDS_AUTH": "off", "CDS_MAX_BODY": "50000000"}
    command = [str(BIN / "cds-service"), "serve", "--port", str(port), "--workers", "2", "--drain", "0"]
    return Server(command, port, SERVICE, environment)


def _limit(port: int) -> Server:
    options = [
        "--worker-class",
        "gthread",
        "--workers",
        "2",
        "--threads",
        "4",
        "--bind",
        f"127.0.0.1:{port}",
        "--log-level",
        "error",
    ]
    return Server([str(BIN / "python"), "-m", "gunicorn", *options, "tests.bench.limit:app"], port, "/", {})


def _median(rounds: list[Load]) -> Load:
    return Load(*(statistics.median(getattr(one, name) for one in rounds) for name in ("rate", "p50", "p99", "cpu")))


def main() -> None:
    """Measure both servers in turn, size by size and client count by client count, and print the ratios."""
    today = datetime.now(UTC).date()
    with tempfile.TemporaryDirectory() as folder:
        bodies = {name: request(size, today) for name, (size, _) in SIZES.items()}
        cold = []
        for number in range(5):
            server = _service(f"{folder}/cold{number}.sqlite3", free_port())
            cold.append(server.first_answer(bodies["typical"]))
            server.stop()
        service, limit = _service(f"{folder}/bench.sqlite3", free_port()), _limit(free_port())
        service.first_answer(bodies["small"])
        limit.first_answer(bodies["small"])
        print(HEADING)
        for name, (_, count) in SIZES.items():
            for clients in (1, 8):
                both: list[tuple[Load, Load]] = [
                    (service.load(bodies[name], clients, count), limit.load(bodies[name], clients, count)) for _ in range(ROUNDS)
                ]
                ours, bound = _median([a for a, _ in both]), _median([b for _, b in both])
                ratio = statistics.median(a.cpu / b.cpu for a, b in both)
                aim = f"  aim {AIMS[name]}" if name in AIMS else ""
                print(
                    f"{name:<9}{len(bodies[name]):>10}{clients:>8}{ours.cpu:>9.2f}{bound.cpu:>10.2f}{ratio:>7.2f}"
                    f"{ours.p50:>9.2f}{ours.p99:>9.2f}{bound.p50:>8.2f}{bound.p99:>8.2f}{aim}"
                )
        print(f"worker memory {service.worker_memory():.0f} MB (aim 80)")
        print(f"cold start to first 200: median {statistics.median(cold):.2f} s, worst {max(cold):.2f} s (aim 0.5)")
        service.stop()
        limit.stop()


if __name__ == "__main__":
    main()
