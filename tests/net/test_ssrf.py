from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from net import ssrf
from net.errors import FetchError
from net.ssrf import LONGEST_URL, origin, refusal, shown, web_url

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",
]

# address, what it is, whether allow_private opens it
REFUSED = [
    ("127.0.0.1", "a loopback address", True),
    ("127.255.255.254", "a loopback address", True),
    ("::1", "a loopback address", True),
    ("10.0.0.1", "a private address", True),
    ("172.16.0.1", "a private address", True),
    ("172.31.255.255", "a private address", True),
    ("192.168.1.1", "a private address", True),
    ("fc00::1", "a private address", True),
    ("fd12:3456:789a::1", "a private address", True),
    ("100.64.0.1", "a shared address", True),
    ("100.127.255.255", "a shared address", True),
    ("169.254.169.254", "a link-local address", False),
    ("169.254.0.1", "a link-local address", False),
    ("fe80::1", "a link-local address", False),
    ("fe80::1%eth0", "a link-local address", False),
    ("100.100.100.200", "a cloud's metadata service", False),
    ("168.63.129.16", "a cloud's metadata service", False),
    ("fd00:ec2::254", "a cloud's metadata service", False),
    ("fd20:ce::254", "a cloud's metadata service", False),
    ("0.0.0.0", "an unspecified address", False),
    ("0.1.2.3", "an unspecified address", False),
    ("::", "an unspecified address", False),
    ("224.0.0.1", "a multicast address", False),
    ("239.255.255.250", "a multicast address", False),
    ("ff02::1", "a multicast address", False),
    ("240.0.0.1", "a reserved address", False),
    ("255.255.255.255", "a reserved address", False),
    ("192.0.0.192", "a reserved address", False),
    ("192.0.2.1", "a documentation address", False),
    ("198.51.100.1", "a documentation address", False),
    ("203.0.113.1", "a documentation address", False),
    ("2001:db8::1", "a documentation address", False),
    ("3fff::1", "a documentation address", False),
    ("198.19.0.1", "a benchmarking address", False),
    ("2001:2::1", "a reserved address", False),
    ("fec0::1", "a reserved address", False),  # site-local, deprecated
    ("100::1", "a reserved address", False),
    ("4000::1", "a reserved address", False),
    ("::127.0.0.1", "a reserved address", False),  # IPv4-compatible, deprecated
    ("::8.8.8.8", "a reserved address", False),
    ("::ffff:0:127.0.0.1", "a reserved address", False),
    ("::ffff:127.0.0.1", "a loopback address (127.0.0.1 as IPv4-mapped IPv6)", True),
    ("::ffff:169.254.169.254", "a link-local address (169.254.169.254 as IPv4-mapped IPv6)", False),
    ("64:ff9b::8.8.8.8", "a NAT64 address", True),
    ("64:ff9b::10.0.0.1", "a private address (10.0.0.1 as NAT64)", True),
    ("64:ff9b::169.254.169.254", "a link-local address (169.254.169.254 as NAT64)", False),
    ("64:ff9b:1::8.8.8.8", "a NAT64 address", True),
    ("64:ff9b:1::192.168.0.1", "a private address (192.168.0.1 as NAT64)", True),
    ("64:ff9b:1::169.254.169.254", "a link-local address (169.254.169.254 as NAT64)", False),
    ("64:ff9b:1:7f00:0:100::", "a loopback address (127.0.0.1 as NAT64)", True),
    ("64:ff9b:1:a9:fe:a9fe::", "a link-local address (169.254.169.254 as NAT64)", False),
    ("64:ff9b:1:0:a9:fea9:fe00:0", "a link-local address (169.254.169.254 as NAT64)", False),
    ("64:ff9b:2::8.8.8.8", "a reserved address", False),
    ("2002:100::", "a tunnel's address", False),
    ("2002:808:808::1", "a tunnel's address", False),
    ("2002:7f00:1::1", "a tunnel's address", False),
    ("2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "a tunnel's address", False),
    ("2001::", "a tunnel's address", False),
    ("2001:0:808:808:0:0:f7f7:f7f7", "a tunnel's address", False),
    ("2001:0:808:808::80ff:fffe", "a tunnel's address", False),
    ("2a00:1450:4001:81b:0:5efe:7f00:1", "a tunnel's address", False),
    ("2606:4700::200:5efe:808:808", "a tunnel's address", False),
    ("fe80::5efe:10.0.0.1", "a tunnel's address", False),
    ("192.88.99.1", "a tunnel's address", False),
    ("192.52.193.1", "a tunnel's address", False),
    ("2001:3::1", "a reserved address", False),  # AMT, RFC 7450
    ("5f00::1", "a reserved address", False),  # segment routing, RFC 9602
]


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("allow_private", [False, True])
def test_public_addresses_are_open(address: str, allow_private: bool) -> None:
    assert refusal(address, allow_private=allow_private) is None


@pytest.mark.parametrize(("address", "kind", "opens"), REFUSED)
def test_refused_addresses(address: str, kind: str, opens: bool) -> None:
    assert refusal(address, allow_private=False) == kind
    assert (refusal(address, allow_private=True) is None) is opens


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "2130706433", "0x7f.1", "::g", "1.2.3"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert refusal(text, allow_private=True) == "not an IP address"


V4 = st.ip_addresses(v=4).map(IPv4Address)


NETWORKS = [str(network) for network, _ in (*ssrf._IPV4, *ssrf._IPV6)]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_ends_where_the_registry_says(network: str) -> None:
    """By this table, whatever the Python at hand thinks of an address."""
    found = ip_network(network)
    for inside in (found[0], found[-1]):
        assert refusal(str(inside), allow_private=False) is not None
    for bits in (int(found[0]) - 1, int(found[-1]) + 1):
        if bits < 0 or bits >> found.max_prefixlen:
            continue
        outside = type(found[0])(bits)
        others = [n for n in NETWORKS if ":" in n or "." in str(outside)]
        listed = any(
            outside in ip_network(n) for n in others if ip_network(n).version == outside.version
        )
        opened = refusal(str(outside), allow_private=False) is None
        assert opened is not (listed or (outside.version == 6 and bits >> 125 != 1))


V4 = st.ip_addresses(v=4).map(IPv4Address)


@given(st.ip_addresses())
@example(ip_address("192.0.0.9"))
@example(ip_address("2002:100::"))
def test_nothing_is_open_that_python_calls_not_global(address: IPv4Address | IPv6Address) -> None:
    if not address.is_global or address.is_multicast:
        assert refusal(str(address), allow_private=False) is not None


@given(V4, st.integers(0, (1 << 80) - 1))
def test_no_tunnel_and_no_translation_is_open(inner: IPv4Address, rest: int) -> None:
    bits = int(inner)
    for form in (
        0x64FF9B << 96 | bits,
        0x64FF9B0001 << 80 | rest,
        0x2002 << 112 | bits << 80 | rest,
        0x20010000 << 96 | bits << 64 | rest & 0xFFFFFFFFFFFFFFFF,
        0x20010470 << 96 | 0x5EFE << 32 | bits,
        bits,
        0xFFFF << 48 | bits,
    ):
        assert refusal(str(IPv6Address(form)), allow_private=False) is not None


@given(V4, st.booleans())
def test_what_is_mapped_shares_the_fate_of_what_it_carries(inner: IPv4Address, allow: bool) -> None:
    fate = refusal(str(inner), allow_private=allow)
    found = refusal(str(IPv6Address(0xFFFF << 32 | int(inner))), allow_private=allow)
    assert found == (fate and f"{fate} ({inner} as IPv4-mapped IPv6)")


@given(st.ip_addresses())
def test_a_private_wire_may_go_wherever_another_may(address: IPv4Address | IPv6Address) -> None:
    if refusal(str(address), allow_private=True) is not None:
        assert refusal(str(address), allow_private=False) is not None


MENDED = [
    ("https://agency.example/feed.xml", "https://agency.example/feed.xml"),
    ("HTTP://Agency.Example:8080", "http://agency.example:8080"),
    (" http://agency.example/a ", "http://agency.example/a"),
    ("http://agency.example/a?b=c&d=%20#frag", "http://agency.example/a?b=c&d=%20"),
    ("http://agency.example/a b?c d", "http://agency.example/a%20b?c%20d"),
    (
        "http://agency.example/ख़बर?q=é",
        "http://agency.example/%E0%A4%96%E0%A4%BC%E0%A4%AC%E0%A4%B0?q=%C3%A9",
    ),
    ("http://भारत.भारत/", "http://xn--h2brj9c.xn--h2brj9c/"),
    ("http://a.example/[x]{y}|z^`", "http://a.example/[x]{y}|z^`"),
    ("http://[::1]:80/", "http://[::1]:80/"),
    ("http://[0:0::1]/", "http://[::1]/"),
    ("http://my_host.example./", "http://my_host.example./"),
]


@pytest.mark.parametrize(("given_url", "sent"), MENDED)
def test_urls_are_made_plain(given_url: str, sent: str) -> None:
    assert web_url(given_url) == sent
    assert web_url(sent) == sent


SECRET = "hunter2"
BAD = [
    "",
    "agency.example/feed",
    "//agency.example/feed",
    "file:///etc/passwd",
    "ftp://agency.example/",
    "gopher://127.0.0.1:6379/_INFO",
    "javascript:alert(1)",
    "http://",
    "http:///feed",
    "http:feed",
    f"http://user:{SECRET}@agency.example/",
    f"http://{SECRET}@agency.example/",
    "http://@agency.example/",
    "http://agency.example\\@127.0.0.1/",
    "http://agency.example/\r\nHost: other",
    "http://agency.example/\0",
    "http://agency.example/\x7f",
    "ht\ttp://agency.example/",
    "http://agency.example:0/",
    "http://agency.example:65536/",
    "http://agency.example:http/",
    "http://agency%2eexample/",
    "http://agency example/",
    "http://agency|example/",
    "http://[::1/",
    "http://[v1.x]/",
    "http://[fe80::1%25eth0]/",
    "http://-agency.example/",
    "http://" + "a." * 127 + "a/",
    "http://" + "é" * 7000 + "/",
    "http://faß.example/",  # fass.example to some, xn--fa-hia.example to others
    "http://क्\u200dष.example/",
    "http://℀.example/",  # NFKC makes a slash of it
    "http://agency.example/\ud800",
    "http://agency.example/" + "a" * LONGEST_URL,
]


@pytest.mark.parametrize("url", BAD)
def test_urls_that_can_be_read_in_two_ways_are_refused(url: str) -> None:
    with pytest.raises(FetchError) as caught:
        web_url(url)
    assert caught.value.state == "bad-url"
    what, remedy = str(caught.value).split("; ")
    assert what
    assert remedy
    assert SECRET not in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.text() | st.text("htps:/@[].a1\\%?# \t").map(lambda tail: f"http://{tail}"))
def test_any_text_is_made_plain_or_refused(text: str) -> None:
    try:
        url = web_url(text)
    except FetchError as error:
        refused: FetchError | None = error
    else:
        refused = None
    if refused:
        assert refused.state == "bad-url"
        assert str(refused).isprintable()
    else:
        assert url.isascii()
        assert url.isprintable()
        assert " " not in url
        assert "@" not in url.split("/")[2].split("?")[0]
        assert web_url(url) == url


@pytest.mark.parametrize(
    ("url", "of"),
    [
        ("http://a.example/x", ("http", "a.example", 80)),
        ("https://a.example/x", ("https", "a.example", 443)),
        ("https://a.example.:8443", ("https", "a.example", 8443)),
        ("http://[::1]:80/", ("http", "::1", 80)),
    ],
)
def test_origin(url: str, of: tuple[str, str, int]) -> None:
    assert origin(url) == of


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        (f"https://u:{SECRET}@a.example/feed?key={SECRET}#{SECRET}", "https://a.example/feed"),
        ("http://a.example/\x1b[2J", "http://a.example/\ufffd[2J"),
        ("http://[broken/", "(an unreadable URL)"),
        ("http://a.example/" + "x" * 300, "http://a.example/" + "x" * 182 + "…"),
    ],
)
def test_shown_urls_hold_no_secrets_and_no_control_characters(url: str, seen: str) -> None:
    assert shown(url) == seen


@given(st.text())
def test_any_text_can_be_shown(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) <= 200
