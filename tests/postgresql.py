"""A PostgreSQL server for tests: the one that is installed, with a cluster of its own, on loopback, ended with the tests."""

import os
import pwd
import shutil
import signal
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
        self._as = ["setpriv", "--pdeathsig=QUIT"]
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as += [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "--"]
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self._url = f"postgresql://cds@127.0.0.1:{self.port}/postgres"
        options = ["--auth=trust", "--username=cds", "--encoding=UTF8", "--locale=C", "--no-sync"]
        command = [*self._as, str(self.bin / "initdb"), *options, "-D", str(self.folder / "data")]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, timeout=60)
        self.start()

    def start(self) -> None:
        """Begin to answer; every commit is synced, as usual. The server ends when this process does, however that ends."""
        words = ["-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1"]
        with self.log.open("ab") as log:
            command = [*self._as, str(self.bin / "postgres"), *words]
            self._server = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._server.poll() is None:
            try:
                psycopg.connect(self._url, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"no answer: {self.log.read_text()}")

    def stop(self) -> None:
        """Stop as a crash would, for its clients and for what is on the disk."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(60)

    def new(self) -> str:
        """The address of a place with nothing in it: a schema of its own, as a database of its own takes longer to make."""
        name = f"t{time.monotonic_ns()}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{self._url}?options=-csearch_path%3D{name}"

    def remove(self) -> None:
        """End, with all that was kept."""
        self.stop()
        shutil.rmtree(self.folder)
