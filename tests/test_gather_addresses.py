"""Which URL and which address may be called: one plain form, nothing that two parsers read differently."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.trust.addresses import connectable
from cds_service.trust.servers import base_url, listed, page_url

BASE = "https://fhir.example.org/r4"
LISTED = frozenset({BASE, "http://127.0.0.1:18099/fhir"})


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://fhir.example.org/r4", BASE),
        ("https://fhir.example.org/r4/", BASE),
        ("HTTPS://FHIR.Example.ORG:443/r4", BASE),
        ("https://fhir.example.org", "https://fhir.example.org"),
        ("https://fhir.example.org/R4", "https://fhir.example.org/R4"),
        ("https://fhir.example.org:8443/a/b~c/v/r4/sim/e30=/fhir", "https://fhir.example.org:8443/a/b~c/v/r4/sim/e30=/fhir"),
        ("http://127.0.0.1:18099/fhir", "http://127.0.0.1:18099/fhir"),
        ("http://localhost/fhir", "http://localhost/fhir"),
        ("http://[0:0::1]:80/fhir", "http://[::1]/fhir"),
        ("https://[2001:DB8::1]/fhir", "https://[2001:db8::1]/fhir"),
        ("https://10.1.2.3/fhir", "https://10.1.2.3/fhir"),
    ],
)
def test_a_base_url_has_one_form(text: str, base: str) -> None:
    assert base_url(text) == base
    assert base_url(base) == base


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fhir.example.org/r4",
        "//fhir.example.org/r4",
        "ftp://fhir.example.org/r4",
        "file:///etc/passwd",
        "gopher://fhir.example.org/",
        "javascript:1",
        "http://",
        "https:///r4",
        "http://fhir.example.org/r4",
        "http://10.1.2.3/fhir",
        "http://0.0.0.0/fhir",
        "https://user@fhir.example.org/r4",
        "https://user:secret@fhir.example.org/r4",
        "https://fhir.example.org\\@evil.example/r4",
        "https://fhir.example.org\\r4",
        "https://fhir.example.org/r4?x=1",
        "https://fhir.example.org/r4?",
        "https://fhir.example.org/r4#x",
        "https://fhir.example.org/r4#",
        "https://fhir.example.org/./r4",
        "https://fhir.example.org/x/../r4",
        "https://fhir.example.org/r4/..",
        "https://fhir.example.org//r4",
        "https://fhir.example.org/r4//",
        "https://fhir.example.org/%72%34",
        "https://fhir.example.org/x%2f..%2fr4",
        "https://fhir.example.org:/r4",
        "https://fhir.example.org:0/r4",
        "https://fhir.example.org:0443/r4",
        "https://fhir.example.org:99999/r4",
        "https://fhir.example.org:443x/r4",
        "https://fhir.example.org./r4",
        "https://fhir..example.org/r4",
        "https://-fhir.example.org/r4",
        "https://fhir_x.example.org/r4",
        "https://127.1/r4",
        "https://2130706433/r4",
        "https://0x7f000001/r4",
        "https://0x7f.1/r4",
        "https://127.0.0.0x1/r4",
        "https://0177.0.0.1/r4",
        "https://\uff11\uff12\uff17.0.0.1/r4",
        "https://fhir\u3002example.org/r4",
        "http\u017f://fhir.example.org/r4",
        "https://[::1/r4",
        "https://[::1%25eth0]/r4",
        "https://[fhir.example.org]/r4",
        "https://fhir.example.org/r4\n",
        "https://fhir.example.org/r4\x00",
        " https://fhir.example.org/r4",
        "https://fhir.example.org/r 4",
        "https://fhir.example.org/r\t4",
        "https://fhir.example.org/r4\u200b",
        "https://fhir.example.org/r\u00e9",
    ],
)
def test_what_is_odd_is_no_base_url(text: str) -> None:
    assert base_url(text) is None
    assert listed(text, LISTED) is None


@pytest.mark.parametrize(
    "text",
    [
        "https://fhir.example.org",
        "https://fhir.example.org/r4/x",
        "https://fhir.example.org/r41",
        "https://fhir.example.org/R4",
        "https://fhir.example.org:444/r4",
        "https://fhir.example.org.evil.example/r4",
        "https://evil.example/fhir.example.org/r4",
        "https://fhir-example.org/r4",
        "http://127.0.0.1/fhir",
        "http://127.0.0.1:18098/fhir",
        "http://localhost:18099/fhir",
        "http://[::1]:18099/fhir",
        "http://127.0.0.2:18099/fhir",
        "https://127.0.0.1:18099/fhir",
    ],
)
def test_a_look_alike_is_not_listed(text: str) -> None:
    assert base_url(text) is not None
    assert listed(text, LISTED) is None


@given(st.text(), st.sampled_from(["", "https://", "https://fhir.example.org", "https://fhir.example.org/r4"]))
def test_only_the_listed_url_itself_is_listed_whatever_is_added_to_it(text: str, start: str) -> None:
    assert listed(start + text, LISTED) in {None, BASE}
    if listed(start + text, LISTED):
        assert (start + text).lower().rstrip("/").replace(":443", "") == BASE


PAGES = {
    "https://fhir.example.org/r4?_getpages=a-b&_bundletype=searchset": BASE + "?_getpages=a-b&_bundletype=searchset",
    "https://fhir.example.org/r4/Observation?code=http://loinc.org|1742-6&page=2": BASE
    + "/Observation?code=http://loinc.org|1742-6&page=2",
    "HTTPS://FHIR.EXAMPLE.ORG:443/r4/Observation?page=2": BASE + "/Observation?page=2",
    "https://fhir.example.org/r4/Observation?next=https://evil.example/../x": BASE
    + "/Observation?next=https://evil.example/../x",
    "/r4/Observation?page=2": BASE + "/Observation?page=2",
    "/r4?page=2": BASE + "?page=2",
    "Observation?page=2": BASE + "/Observation?page=2",
    "?page=2": BASE + "?page=2",
}


@pytest.mark.parametrize("link", PAGES)
def test_a_page_lies_under_its_base_however_the_server_writes_it(link: str) -> None:
    assert page_url(link, BASE) == PAGES[link]


STRANGE_PAGES = [
    "",
    "https://evil.example/r4/Observation?page=2",
    "http://fhir.example.org/r4/Observation?page=2",
    "https://fhir.example.org/r5/Observation?page=2",
    "https://fhir.example.org/r4x?page=2",
    "https://fhir.example.org/Observation?page=2",
    "https://fhir.example.org:444/r4?page=2",
    "https://fhir.example.org@evil.example/r4?page=2",
    "https://fhir.example.org\\@evil.example/r4?page=2",
    "https://evil.example\\@fhir.example.org/r4?page=2",
    "https://user@fhir.example.org/r4?page=2",
    "https://fhir.example.org/r4/../../x?page=2",
    "https://fhir.example.org/r4/%2e%2e/admin",
    "https://fhir.example.org/r4/..%2fadmin",
    "https://fhir.example.org/r4/%5c..%5cadmin",
    "https://fhir.example.org/r4#page=2",
    "https://fhir.example.org/r4/Observation?page=2\r\nX: y",
    "https://fhir.example.org/r4/Observation?page= 2",
    "https://fhir.example.org/r4/Observation?page=\u00e9",
    "//evil.example/r4?page=2",
    "///r4?page=2",
    "\\\\evil.example\\r4",
    "/Observation?page=2",
    "/r4/../x?page=2",
    "../x?page=2",
    "./../x",
    "file:///etc/passwd",
    "data:application/json,{}",
    "ftp://fhir.example.org/r4",
    "https:fhir.example.org/r4",
    "https:/fhir.example.org/r4",
]


@pytest.mark.parametrize("link", STRANGE_PAGES)
def test_a_link_that_leads_elsewhere_is_not_followed(link: str) -> None:
    assert page_url(link, BASE) is None


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF)), st.sampled_from(["", "/", "//", BASE, BASE + "/", "https://"]))
def test_every_page_url_begins_with_its_base(text: str, start: str) -> None:
    url = page_url(start + text, BASE)
    assert url is None or url == BASE or url.startswith((BASE + "/", BASE + "?"))


PRIVATE = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.1.2.3", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1"),
    *("2002:7f00:1::", "2002:808:808::", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_does_not_lead_into_a_network_that_is_not_public(address: str) -> None:
    assert not connectable(address, "fhir.example.org")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "193.0.6.139", "2001:4860:4860::8888", "2a00:1450:4001:80e::2004"])
def test_a_name_leads_to_public_addresses(address: str) -> None:
    assert connectable(address, "fhir.example.org")


def test_a_name_leads_into_a_network_that_is_listed() -> None:
    networks = (ip_network("10.1.0.0/16"), ip_network("fd00:1::/64"))
    assert connectable("10.1.2.3", "fhir.example.org", networks)
    assert connectable("fd00:1::7", "fhir.example.org", networks)
    assert not connectable("10.2.0.1", "fhir.example.org", networks)
    assert not connectable("127.0.0.1", "fhir.example.org", networks)


def test_an_address_that_is_listed_as_a_host_is_connected_to_and_no_other() -> None:
    assert connectable("10.1.2.3", "10.1.2.3")
    assert not connectable("10.1.2.4", "10.1.2.3")
    assert not connectable("8.8.8.8", "10.1.2.3")
    assert connectable("::1", "[::1]")
    assert connectable("::1", "::1")


def test_localhost_is_this_machine_and_nothing_else() -> None:
    assert connectable("127.0.0.1", "localhost")
    assert connectable("::1", "localhost")
    assert not connectable("8.8.8.8", "localhost")
    assert not connectable("10.0.0.1", "localhost", (ip_network("10.0.0.0/8"),))


def test_what_is_no_address_is_not_connected_to() -> None:
    assert not connectable("fhir.example.org", "fhir.example.org")
