"""A request on its way: whether all of it has come, so that no thread waits for a client that sends slowly or not at all.

This only finds where a request ends. What it says, and whether it is framed as HTTP asks, is for the server to judge.
"""

import re

HEAD = 65_536
"""How many bytes the head of a request may have: a token of the largest size takes an eighth of that."""

_BLANK = b"\r\n\r\n"
_FRAMED = re.compile(rb"\r\n(content-length|transfer-encoding)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect[ \t]*:[ \t]*([^\r\n]*)(?=\r\n)", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CHUNK = re.compile(rb"[ \t]*([0-9a-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r\n", re.IGNORECASE)
_LONGEST_CHUNK_HEAD = 1100
_PIECE = 8192


class Arriving:
    """The bytes of one request so far; ``largest`` is how many its body may have.

    ``ready`` says that nothing more needs to come: it is ``whole``, or can only be refused, with the status ``refusal`` where the
    head has no end. ``expects`` says that the client wants to be asked for the body before it sends it.
    """

    def __init__(self, largest: int) -> None:
        self.data = bytearray()
        self.ready = self.whole = self.expects = False
        self.refusal: int | None = None
        self._largest = largest
        self._body = 0  # where it begins; 0 as long as the head has not come
        self._end = 0  # where a body of known length ends, or the next chunk begins
        self._chunked = False
        self._framing = 0  # the bytes between the chunks

    def pieces(self) -> list[bytes]:
        """The bytes of the request, which are kept here no longer. What has come beyond it stays, as the next one begins with it.

        Where it has chunks, in small pieces: whoever takes those apart copies at each of them what is left of a piece.
        """
        end = self._end if self.whole else len(self.data)
        data, self.data = bytes(self.data[:end]), self.data[end:]
        size = _PIECE if self._chunked else max(len(data), 1)
        return [data[place : place + size] for place in range(0, len(data), size)]

    def take(self, data: bytes) -> None:
        """Add what has come."""
        searched = max(len(self.data) - len(_BLANK), 0)
        self.data += data
        if not self._body:
            self._begin(self.data.find(_BLANK, searched), searched)
        if self._body and not self.ready:
            self.whole = self._chunks_over() if self._chunked else len(self.data) >= self._end
            self.ready = self.whole or self._too_long()

    def _begin(self, blank: int, searched: int) -> None:
        """Look at the head, if it ends at ``blank``: how long is the body?"""
        if blank < 0:
            self.refusal = 431 if len(self.data) > HEAD else 400 if self.data.find(b"\n\n", searched) >= 0 else None
            self.ready = self.refusal is not None
            return
        self._body = self._end = blank + len(_BLANK)
        head = bytes(self.data[:blank]) + b"\r\n"
        framed = [(name.lower(), value.strip()) for name, value in _FRAMED.findall(head)]
        if not framed:
            self.ready = self.whole = True
        elif framed == [(b"transfer-encoding", framed[0][1])] and framed[0][1].lower() == b"chunked":
            self._chunked = True
        elif len(framed) == 1 and _LENGTH.fullmatch(framed[0][1]) and int(framed[0][1]) <= self._largest:
            self._end += int(framed[0][1])
        else:
            self.ready = True  # refused without its body: too long, or framed in a way that nobody agrees on
        expected = None if self.ready else _EXPECTS.search(head)
        if expected is not None and expected[1].strip().lower() == b"100-continue":
            self.expects = True
            del self.data[expected.start() : expected.end()]
            self._body, self._end = (place - len(expected[0]) for place in (self._body, self._end))
        elif expected is not None:
            self.ready = True

    def _chunks_over(self) -> bool:
        """Whether the last chunk has come; what is no chunk can only be refused."""
        while self._end < len(self.data):
            found = _CHUNK.match(self.data, self._end)
            if found is None:
                rest = len(self.data) - self._end
                self.ready = rest > _LONGEST_CHUNK_HEAD or b"\r\n" in self.data[self._end :]
                return False
            size = int(found[1], 16)
            if not size:
                blank = self.data.find(_BLANK, found.end() - 2)
                self._end = self._end if blank < 0 else blank + len(_BLANK)
                return blank >= 0
            self._framing += found.end() - found.start() + 2
            self._end = found.end() + size + 2
        return False

    def _too_long(self) -> bool:
        received = len(self.data) - self._body
        return self.ready or received - self._framing > self._largest or received > 2 * self._largest + HEAD
