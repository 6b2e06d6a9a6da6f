"""Run the benchmark: ``make bench``, in less than two minutes; with ``--scaling`` how the cost grows with the size.

Judge by CPU per request as a ratio to the limit L, measured in turn in the same minute; wall times on a shared machine are soft.
"""

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from tests.bench import scaling
from tests.bench.charts import CLOCK, request
from tests.bench.server import Load, Server, free_port
from tests.tokens import BASE, Signer

BIN = Path(sys.executable).parent
SIZES = {"small": (22, 120, 8), "typical": (122, 80, 8), "large": (2000, 16, 4)}
"""Resources of a request, requests of one round, and clients at once beside the round with a single one."""

AIMS = {"typical": 2.0, "large": 0.8}
"""CPU of a request as a multiple of L, for the worse of few and many clients."""

AIM_WITH_TOKENS = 2.5
"""The same for a typical request with a token (ES384), each used once."""

MEMORY_MB = {"typical": 80, "large": 130}
"""Of the largest worker, after requests of that size."""

COLD_START_S = 0.5
ROUNDS = 7
STARTS = 5
HEADING = "request              bytes clients   CPU ms  L CPU ms  ratio   p50 ms   p99 ms   L p50   L p99"
SERVICE = "/cds-services/tacrolimus-patient-view"


class Body(Struct):
    """A request that is never the same twice: each has its own time of day, so that no answer lives on the memory of another."""

    text: bytes
    count: int = 0

    def next(self) -> bytes:
        """The request at the next second of the day."""
        self.count += 1
        minutes, seconds = divmod(self.count, 60)
        return self.text.replace(CLOCK.encode(), f"{7 + minutes // 60:02}:{minutes % 60:02}:{seconds:02}".encode())


def _service(store: str, port: int, signer: Signer | None = None) -> Server:
    """The service; where there is a ``signer``, it lets in nobody else."""
    environment = {"CDS_STORE": f"sqlite:///{store}", "CDS_AUTH": "off", "CDS_MAX_BODY": "50000000"}
    command = [str(BIN / "cds-service"), "serve", "--port", str(port), "--workers", "2", "--drain", "0"]
    if signer is None:
        return Server(command, port, SERVICE, environment)
    folder = Path(store).parent
    (folder / "keys.json").write_bytes(signer.key_set())
    (folder / "issuers.toml").write_text(f'[[issuer]]\niss = "{signer.iss}"\njwks_file = "keys.json"\n', encoding="utf-8")
    environment |= {"CDS_AUTH": "required", "CDS_ISSUERS": str(folder / "issuers.toml"), "CDS_BASE_URL": BASE}
    return Server(command, port, SERVICE, environment, lambda: signer.token(signer.claims(SERVICE, BASE, time.time())))


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


def _aim(what: str, value: float, aim: float, unit: str) -> str:
    return f"{what}: {value:.2f} {unit}, aim {aim} {unit}: {'met' if value <= aim else 'not met'}"


def _cold_starts(folder: str, body: bytes) -> list[float]:
    times = []
    for number in range(STARTS):
        server = _service(f"{folder}/cold{number}.sqlite3", free_port())
        times.append(server.first_answer(body))
        server.stop()
    return times


def _ratio(name: str, body: Body, clients: int, service: Server, limit: Server) -> float:
    """Measure both servers in turn, print a line, and return how many times the CPU of the limit a request costs."""
    count = SIZES[name.partition(",")[0]][1]
    both: list[tuple[Load, Load]] = [
        (service.load(body.next, clients, count), limit.load(body.next, clients, count)) for _ in range(ROUNDS)
    ]
    ours, bound = _median([a for a, _ in both]), _median([b for _, b in both])
    ratio = statistics.median(a.cpu / b.cpu for a, b in both)
    print(
        f"{name:<16}{len(body.text):>10}{clients:>8}{ours.cpu:>9.2f}{bound.cpu:>10.2f}{ratio:>7.2f}"
        f"{ours.p50:>9.2f}{ours.p99:>9.2f}{bound.p50:>8.2f}{bound.p99:>8.2f}",
        flush=True,
    )
    return ratio


def scale() -> None:
    """Measure how the cost grows with the size, and leave with 1 where it grows too fast."""
    with tempfile.TemporaryDirectory() as folder:
        service, today = _service(f"{folder}/scaling.sqlite3", free_port()), datetime.now(UTC).date()
        small = Body(request(SIZES["small"][0], today))
        service.first_answer(small.text)
        service.load(small.next, 8, 64)
        met = scaling.measure(service, today, lambda text: Body(text).next)
        service.stop()
    sys.exit(0 if met else 1)


def main() -> None:
    """Measure size by size and client count by client count, then print each aim and whether it is met."""
    today = datetime.now(UTC).date()
    bodies = {name: Body(request(size, today)) for name, (size, _, _) in SIZES.items()}
    with tempfile.TemporaryDirectory() as folder:
        cold = statistics.median(_cold_starts(folder, bodies["typical"].text))
        service, limit = _service(f"{folder}/bench.sqlite3", free_port()), _limit(free_port())
        guarded = _service(f"{folder}/guarded.sqlite3", free_port(), Signer())
        for server in (service, guarded, limit):
            server.first_answer(bodies["small"].text)
            server.load(bodies["typical"].next, 8, 64)  # until every worker is warm
        print(HEADING)
        ratios, memory = {}, {}
        for name, body in bodies.items():
            ratios[name] = max(_ratio(name, body, many, service, limit) for many in (1, SIZES[name][2]))
            memory[name] = service.worker_memory()
        tokens = max(_ratio("typical, token", bodies["typical"], many, guarded, limit) for many in (1, SIZES["typical"][2]))
        print()
        for name, aim in AIMS.items():
            print(_aim(f"CPU of a {name} request", ratios[name], aim, "L"))
        print(_aim("CPU of a typical request with a token", tokens, AIM_WITH_TOKENS, "L"))
        for name, megabytes in MEMORY_MB.items():
            print(_aim(f"memory of the largest worker after {name} requests", memory[name], megabytes, "MB"))
        print(_aim("cold start to the first answer", cold, COLD_START_S, "s"))
        for server in (service, guarded, limit):
            server.stop()


if __name__ == "__main__":
    scale() if "--scaling" in sys.argv[1:] else main()
