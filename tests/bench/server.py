"""A server under test as a process tree: start it, load it, and read what it used from /proc."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Load(Struct, frozen=True):
    """One round: requests a second, milliseconds at the median and the 99th percentile, CPU milliseconds a request."""

    rate: float
    p50: float
    p99: float
    cpu: float


class Server:
    """One server process with its workers, answering POST ``path``; ``bearer`` makes the token of each request, if any."""

    def __init__(
        self, command: list[str], port: int, path: str, environment: dict[str, str], bearer: Callable[[], str] | None = None
    ) -> None:
        self.port, self.path, self.bearer = port, path, bearer
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def first_answer(self, body: bytes, limit: float = 20) -> float:
        """Seconds from the start to the first 200."""
        while time.perf_counter() - self.started < limit:
            try:
                if self.post(body) == 200:
                    return time.perf_counter() - self.started
            except OSError:
                time.sleep(0.005)
        sys.exit(f"no answer from {self.path} within {limit} s")

    def post(self, body: bytes, connection: http.client.HTTPConnection | None = None) -> int:
        """Send one request and read the answer whole; its status."""
        one = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        token = {"Authorization": f"Bearer {self.bearer()}"} if self.bearer else {}
        one.request("POST", self.path, body, {"Content-Type": "application/json", **token})
        answer = one.getresponse()
        answer.read()
        if connection is None:
            one.close()
        return answer.status

    def tree(self) -> list[int]:
        """The process and its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [self.process.pid, *map(int, children.split())]

    def cpu(self) -> float:
        """CPU milliseconds used by every thread of the tree so far, user and system, to the nanosecond."""
        used = 0
        for pid in self.tree():
            for thread in Path(f"/proc/{pid}/task").iterdir():
                used += int((thread / "schedstat").read_text(encoding="ascii").split()[0])
        return used / 1e6

    def worker_memory(self) -> float:
        """The largest resident set of a worker in MB."""
        sizes = []
        for pid in self.tree()[1:]:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            sizes += [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")]
        return max(sizes, default=0.0)

    def load(self, body: Callable[[], bytes], clients: int, requests: int) -> Load:
        """So many requests from so many clients at once, each on one connection; ``body`` gives each its own."""

        def client(count: int) -> list[float]:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            times = []
            for _ in range(count):
                sent = body()
                begun = time.perf_counter()
                status = self.post(sent, connection)
                times.append((time.perf_counter() - begun) * 1000)
                if status != 200:
                    raise RuntimeError(f"{self.path} answered {status}")
            connection.close()
            return times

        before, begun = self.cpu(), time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            times = sorted(t for part in pool.map(client, [requests // clients] * clients) for t in part)
        elapsed, count = time.perf_counter() - begun, len(times)
        return Load(count / elapsed, times[count // 2], times[min(count - 1, count * 99 // 100)], (self.cpu() - before) / count)

    def stop(self) -> None:
        """End the tree."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=30)
