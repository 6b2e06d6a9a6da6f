"""One document that all threads and worker processes of a server share."""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import finalize
from zlib import crc32

_LABEL = struct.Struct("<IQ")


class Shelf:
    """A place for one document, in a file in memory that the workers inherit when they are forked; it goes with the last of them.

    Whoever holds the shelf is alone in doing so: among threads by a lock, among processes by one of the file, which the system
    lets go of when a process dies. Only a holder writes; anybody reads at any time.
    """

    def __init__(self) -> None:
        self._file = os.memfd_create("shelf")
        finalize(self, os.close, self._file)
        self._lock = Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the shelf and hold it."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def label(self) -> bytes:
        """What changes with the document; empty as long as there is none."""
        return os.pread(self._file, _LABEL.size, 0)

    def document(self, label: bytes) -> bytes | None:
        """The document with that label; None where there is none, or another is being put in its place just now."""
        if len(label) < _LABEL.size:
            return None
        checksum, size = _LABEL.unpack(label)
        found = os.pread(self._file, size, _LABEL.size)
        return found if len(found) == size and crc32(found) == checksum else None

    def put(self, document: bytes) -> None:
        """Replace the document; for who holds the shelf."""
        os.pwrite(self._file, _LABEL.pack(crc32(document), len(document)) + document, 0)
