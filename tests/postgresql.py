"""A PostgreSQL server for tests: the one that is installed, with a cluster of its own, on loopback, ended with the tests."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
"""Where Debian puts it, the newest last."""


def required() -> None:
    """Skip the test where no server is installed; where everything has to run, fail."""
    if INSTALLED or shutil.which("initdb"):
        return
    if os.environ.get("CI") == "true":
        pytest.fail("PostgreSQL is not installed, and with CI=true its tests must run")
    pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")


class PostgreSQL:
    """One server. It must not run as root, so root runs it as the user that Debian makes for it."""

    def __init__(self) -> None:
        self.bin = INSTALLED[-1].parent if INSTALLED else Path(shutil.which("initdb") or "").parent
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.log = self.folder / "log"
        self._as: list[str] = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "--"]
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self._run(
            "initdb",
            "--auth=trust",
            "--username=cds",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
            str(self.folder / "data"),
        )
        self.start()

    def _run(self, program: str, *words: str) -> None:
        subprocess.run([*self._as, str(self.bin / program), *words], check=True, capture_output=True, cwd=self.folder, timeout=60)

    def start(self) -> None:
        """Begin to answer; every commit is synced, as usual."""
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories={self.folder}"
        self._run("pg_ctl", "start", "-w", "-D", str(self.folder / "data"), "-l", str(self.log), "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop: ``immediate`` is what a crash of the server is to its clients."""
        self._run("pg_ctl", "stop", "-w", "-D", str(self.folder / "data"), "-m", mode)

    def new(self) -> str:
        """The address of a place with nothing in it: a schema of its own, as a database of its own takes longer to make."""
        name, url = f"t{time.monotonic_ns()}", f"postgresql://cds@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{url}?options=-csearch_path%3D{name}"

    def remove(self) -> None:
        """End, with all that was kept."""
        self.stop()
        shutil.rmtree(self.folder)
