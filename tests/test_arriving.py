"""When a request has come whole, however it is cut into pieces on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.web.arriving import HEAD, Arriving

LARGEST = 100
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n" + b'{"a": "\r\n"}\n'
CHUNKED = b"POST /x HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n4;of=1\r\n\r\n0\r\r\nA\r\n0123456789\r\n0\r\nX-End: 1\r\n\r\n"
PLAIN_END = b"POST /x HTTP/1.1\r\ntransfer-encoding:chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n"


@pytest.mark.parametrize("request_", [GET, POST, CHUNKED, PLAIN_END], ids=["no body", "length", "chunks, trailer", "chunks"])
@given(data=st.data())
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(request_) - 1), max_size=8)))
    arriving = Arriving(LARGEST)
    for begin, end in zip([0, *cuts], [*cuts, len(request_)], strict=True):
        assert not arriving.ready
        arriving.take(request_[begin:end])
    assert arriving.ready
    assert arriving.whole
    assert (b"".join(arriving.pieces()), bytes(arriving.data)) == (request_, b"")


def test_what_follows_a_request_is_kept_for_the_next_one() -> None:
    for one in (GET, POST, CHUNKED, PLAIN_END):
        arriving = Arriving(LARGEST)
        arriving.take(one + GET[:9])
        assert arriving.whole
        assert (b"".join(arriving.pieces()), bytes(arriving.data)) == (one, GET[:9])


def test_a_request_in_chunks_is_handed_on_in_small_pieces() -> None:
    arriving = Arriving(100_000)
    arriving.take(b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 9000 + b"0\r\n\r\n")
    assert arriving.whole
    assert max(map(len, arriving.pieces())) < 10_000


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Content-Length: 101", id="too long"),
        pytest.param(b"Content-Length: " + b"9" * 5000, id="a number that nobody counts to"),
        pytest.param(b"Content-Length: -1", id="negative"),
        pytest.param(b"Content-Length:", id="none"),
        pytest.param(b"Content-Length: 5\r\nContent-Length: 5", id="twice"),
        pytest.param(b"Content-Length: 5\r\nTransfer-Encoding: chunked", id="two ways"),
        pytest.param(b"Transfer-Encoding: gzip, chunked", id="compressed"),
        pytest.param(b"Content-Length: 5\r\nExpect: something", id="expects what is not known"),
    ],
)
def test_what_is_refused_anyway_is_not_waited_for(head: bytes) -> None:
    arriving = Arriving(LARGEST)
    arriving.take(b"POST /x HTTP/1.1\r\n" + head + b"\r\n\r\n")
    assert arriving.ready
    assert not arriving.whole


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(b"zz\r\n", id="no size"),
        pytest.param(b"123456789\r\n", id="a size too large"),
        pytest.param(b"1;" + b"x" * 2000, id="no end of a size"),
        pytest.param(b"ff\r\n" + b"x" * (LARGEST + 3), id="more than may be"),
        pytest.param(b"1\r\nx\r\n" * (LARGEST + 3), id="more than may be, bit by bit"),
        pytest.param(b"1;" + b"x" * 999 + b"\r\nx\r\n" + b"1;" + b"x" * 999 + b"\r\nx\r\n" * 70, id="more wrapping than content"),
    ],
)
def test_chunks_that_are_refused_anyway_are_not_waited_for(chunks: bytes) -> None:
    arriving = Arriving(LARGEST)
    arriving.take(b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert not arriving.ready
    arriving.take(chunks)
    assert arriving.ready
    assert not arriving.whole


@pytest.mark.parametrize(("head", "refusal"), [(b"X: " + b"x" * HEAD, 431), (b"GET / HTTP/1.1\nHost: x\n\n", 400)])
def test_a_head_without_an_end_is_refused(head: bytes, refusal: int) -> None:
    arriving = Arriving(LARGEST)
    arriving.take(head[:9])
    assert not arriving.ready
    arriving.take(head[9:])
    assert (arriving.ready, arriving.whole, arriving.refusal) == (True, False, refusal)


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked_once() -> None:
    arriving = Arriving(LARGEST)
    arriving.take(b"POST /x HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n")
    assert (arriving.ready, arriving.expects) == (False, True)
    arriving.take(b"{}")
    assert arriving.whole
    assert arriving.pieces() == [b"POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"]
