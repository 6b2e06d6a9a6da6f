"""No feedback is acknowledged before it is on the disk: a killed process cannot show that, the system calls of the server can."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import BIN, Start, hook_request

pytestmark = pytest.mark.server
SERVICE = "/cds-services/tacrolimus-patient-view"
CALLS = "trace=fsync,fdatasync,recvfrom,recvmsg,read,sendto,sendmsg,write"
_LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. )?(?P<call>\w+)(?P<rest>.*)")


def traceable() -> bool:
    return bool(shutil.which("strace")) and subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0


def calls(trace: Path) -> Iterator[tuple[str, str, str]]:
    """Every system call that has ended: thread, name, and what strace tells of it, of one that was interrupted both parts."""
    begun: dict[str, str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match:
            thread, call, rest = match["thread"], match["call"], match["rest"]
            if rest.endswith("<unfinished ...>"):
                begun[thread] = rest
            else:
                yield thread, call, begun.pop(thread, "") + rest


def acknowledged(trace: Path) -> tuple[int, int]:
    """How many answers 200 to feedback were sent, and how many of them after the log had been synced for the same request.

    That is: by the thread that answers it, after the request had come and after the answer before.
    """
    asked, synced, answered, sound = dict[str, int](), dict[str, int](), 0, 0
    for place, (thread, call, told) in enumerate(calls(trace)):
        socket = told.partition(",")[0]
        if call in ("recvfrom", "recvmsg", "read") and '"POST' in told:
            asked.pop(socket, None)
            if "/feedback" in told:
                asked[socket] = place
        elif call in ("fsync", "fdatasync") and "sqlite3-wal" in told and told.endswith("= 0"):
            synced[thread] = place
        elif call in ("sendto", "sendmsg", "write") and '"HTTP/1.1 200' in told:
            synced_at = synced.pop(thread, -1)
            if socket in asked:
                answered, sound = answered + 1, sound + (synced_at > asked.pop(socket))
    return answered, sound


@pytest.mark.skipif(not traceable(), reason="strace is not installed here, or may not trace (Debian: apt-get install strace)")
def test_the_log_is_synced_before_every_acknowledgement(start: Start, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    traced = ("strace", "-f", "-qq", "-y", "-s", "120", "-e", CALLS, "-o", str(trace))
    running = start(*traced, str(BIN / "cds-service"), "serve", "--port", "PORT", "--drain", "0")

    def tell(number: int) -> int:
        entry = {"card": f"c{number}", "outcome": "overridden", "outcomeTimestamp": "2026-11-22T07:44:41.932Z"}
        assert running.post(SERVICE, hook_request()).status_code == 200
        return running.post(f"{SERVICE}/feedback", {"feedback": [entry]}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(tell, range(100))) == {200}
    running.kill()
    assert acknowledged(trace) == (100, 100)


def test_an_acknowledgement_without_a_sync_would_be_found_out(tmp_path: Path) -> None:
    (tmp_path / "trace").write_text(
        '1 recvfrom(9<socket:[1]>, "POST /cds-services/x/feedback HTTP/1.1"..., 8192, 0, NULL, NULL) = 300\n'
        "7 fdatasync(11</x/cds-service.sqlite3-wal> <unfinished ...>\n"
        '1 recvfrom(10<socket:[2]>, "POST /cds-services/x/feedback HTTP/1.1"..., 8192, 0, NULL, NULL) = 300\n'
        '8 sendto(10<socket:[2]>, "HTTP/1.1 200 OK"..., 200, 0, NULL, 0) = 200\n'
        "7 <... fdatasync resumed>) = 0\n"
        '1 recvfrom(12<socket:[3]>, "POST /cds-services/x/feedback HTTP/1.1"..., 8192, 0, NULL, NULL) = 300\n'
        '7 sendto(9<socket:[1]>, "HTTP/1.1 200 OK"..., 200, 0, NULL, 0) = 200\n'
        '7 sendto(12<socket:[3]>, "HTTP/1.1 200 OK"..., 200, 0, NULL, 0) = 200\n'
        '1 recvfrom(9<socket:[1]>, "POST /cds-services/x/feedback HTTP/1.1"..., 8192, 0, NULL, NULL) = 300\n'
        "7 fdatasync(11</x/cds-service.sqlite3-wal>) = -1 EIO (Input/output error)\n"
        '7 sendto(9<socket:[1]>, "HTTP/1.1 200 OK"..., 200, 0, NULL, 0) = 200\n'
        '1 recvfrom(9<socket:[1]>, "POST /cds-services/x HTTP/1.1"..., 8192, 0, NULL, NULL) = 300\n'
        '7 sendto(9<socket:[1]>, "HTTP/1.1 200 OK"..., 200, 0, NULL, 0) = 200\n'
    )
    assert acknowledged(tmp_path / "trace") == (4, 1)
