"""Key sets, JSON, tokens, checkpoints and proofs as strangers may write them: nearly right, and
wrong in ways that two readers are apt to read differently."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.signed import ISSUED, instant
from tests.signing import NBF, Log, Signer, b64, canonical, private

T = TypeVar("T")
Pairs = Sequence[tuple[str, str]]
"""Members of a JSON object: names, and their values as JSON texts."""

FIRST, OTHER = Signer("first"), Signer("other")

_ODD = (
    *("null", "true", "false", "0", "-0", "1", "-1", "9007199254740991", "-9007199254740991"),
    *("253402300799", "253402300800", str(NBF), str(int(ISSUED.timestamp())), "1700000000"),
    *('""', '"x"', '"sig"', '"EdDSA"', '"Ed25519"', '"OKP"', '"\\ud83d\\ude00"', '"\u2028\x7f"'),
    *("[]", "{}", "[1]", '{"reason":"lost"}', '{"__proto__":1}', '{"":{}}', f'"{"]" * 20}"'),
    *("[" * 4 + "]" * 4, "[" * 5 + "]" * 5, f'"{OTHER.kid}"', f'"{OTHER.x}"', f'"{FIRST.x}="'),
)
_WRONG = (
    *("1.0", "1e3", "1E400", "0.1", "-0.0", "01", "9007199254740992", "1" * 30, "NaN"),
    *("-Infinity", "+1", ".5", '"\\ud800"', '"\t"', '"\\x"', '{"a":1,"a":1}', '{"a":{"a":1}}'),
    *(
        "[" * 6 + "]" * 6,
        "[" * 7 + "]" * 7,
        "[" * 8 + "]" * 8,
        "[1,]",
        "tru",
        "'x'",
        "",
        '"',
        '"\\',
        "[",
    ),
)
_NAMES = (
    *("kty", "crv", "x", "kid", "alg", "use", "nbf", "exp", "revoked", "d", "key_ops", "keys"),
    *("wirecopy_log", "statements", "guid", "k\\u0069d", "\\ud800", "__proto__", "toString", ""),
)
_SPACES = ("", "", "", " ", "\n", "\r\n\t", "\x0b", "\x0c", "\xa0", "\ufeff", "\u2028", "\0")
_CHARACTERS = (
    "\n\n  +—-=AZaz09/_\t\r\0\x0b\x1c\x7f\x85\xa0\u1680\u200b\u2028\u3000\ufeffé\U0001f309\ud800"
)
_characters = st.sampled_from(_CHARACTERS)
_few = st.sampled_from((0, 0, 0, 1, 1, 2))
_rarely = st.sampled_from((False,) * 9 + (True,))


_values = st.sampled_from(_ODD * 6 + _WRONG)


def drawn(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """*count* of what *strategy* makes: all together, so that Node is started once for them."""
    found: list[T] = []

    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def gather(made: T) -> None:
        found.append(made)

    gather()
    return found


@st.composite
def _altered(draw: st.DrawFn, text: str) -> str:
    """*text* with a character or two more, fewer or other."""
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        at = draw(st.integers(0, len(text)))
        gone = draw(st.integers(0, 1))
        text = text[:at] + draw(st.one_of(st.just(""), _characters)) + text[at + gone :]
    return text


@st.composite
def _object(draw: st.DrawFn, pairs: Pairs) -> str:
    """A JSON object of about *pairs*: some gone, some other, some twice, some more."""
    left = list(pairs)
    for _ in range(draw(_few)):
        at = draw(st.integers(0, len(left)))
        change = draw(st.sampled_from(("drop", "value", "value", "null", "double", "add")))
        if change == "add" or at == len(left):
            left.insert(at, (draw(st.sampled_from(_NAMES)), draw(_values)))
        elif change == "drop":
            del left[at]
        elif change == "double":
            left.append(left[at])
        else:
            odd = "null" if change == "null" else draw(_values)
            left[at] = left[at][0], odd
    space = draw(st.sampled_from(_SPACES)) if draw(_rarely) else ""
    written = ",".join(f'"{name}"{space}:{value}' for name, value in left)
    return f"{{{space}{written}}}"


def _pairs(value: dict[str, Any]) -> Pairs:
    return [(name, json.dumps(member)) for name, member in value.items()]


@st.composite
def _document(draw: st.DrawFn, text: str) -> bytes:
    """*text* in UTF-8, perhaps with something before or after it, perhaps with a byte harmed."""
    if draw(_rarely):
        text = draw(st.sampled_from(_SPACES)) + text
    if draw(_rarely):
        text += draw(st.sampled_from((*_SPACES, "x", ",", "}", "{}")))
    marks = draw(st.sampled_from(("", "", "", "", "\ufeff", "\ufeff\ufeff")))
    data = (marks + text).encode("utf-8", "surrogatepass")
    if draw(_rarely):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=2)) + data[at + draw(st.integers(0, 2)) :]
    return data


@st.composite
def key_sets(draw: st.DrawFn) -> bytes:
    """A JWK Set of few keys and their twins."""
    first, other = FIRST.jwk(), OTHER.jwk()
    plain = (
        first,
        {**first, "exp": NBF + 90_000_000},
        {**other, "revoked": {"revoked_at": NBF, "reason": "lost"}},
        other,
        {n: v for n, v in other.items() if n not in ("kid", "alg", "use")},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"},
    )
    chosen = [first, *draw(st.lists(st.sampled_from(plain), max_size=2))]
    keys = [draw(_object(_pairs(jwk))) for jwk in draw(st.permutations(chosen))]
    if draw(_rarely):
        keys.append(draw(_values))
    log = json.dumps(draw(log_keys()) if draw(_rarely) else Log().vkey, ensure_ascii=False)
    text = draw(_object([("keys", f"[{','.join(keys)}]"), ("wirecopy_log", log)]))
    return draw(_document(text))


@st.composite
def log_keys(draw: st.DrawFn) -> str:
    """A verifier key of a log."""
    name = draw(st.one_of(st.just(Log().origin), _altered("a.example/log")))
    key = Log(name.encode("utf-8", "replace").decode()).vkey
    return draw(_altered(key)) if draw(_rarely) else key


@st.composite
def jsons(draw: st.DrawFn) -> str:
    """A JSON text, or what is nearly one."""
    deep = draw(st.integers(5, 9))
    inner = draw(_object([("a", draw(_values)), ("b", f"{'[' * deep}{']' * deep}")]))
    text = draw(_object([("b", draw(_values)), ("a", inner), ("\\u0063", f"[{draw(_values)}]")]))
    return draw(_altered(draw(st.sampled_from((text, inner, draw(_values))))))


def _around(*seconds: int) -> st.SearchStrategy[datetime]:
    """Instants so many seconds from when the statement was issued, give or take a microsecond."""
    return st.builds(
        lambda whole, fraction: ISSUED + timedelta(seconds=whole, microseconds=fraction),
        st.sampled_from(seconds),
        st.sampled_from((-5, -1, 0, 1)),
    )


_moments = st.one_of(
    st.sampled_from(("0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z")),
    st.one_of(
        _around(-300, 300),
        _around(300),
        _around(-3600, -1, 0, 1, 3600),
        st.datetimes(timezones=st.just(UTC)),
    ).map(lambda moment: instant(moment).rjust(27, "0")),
)
_odd_instants = st.builds(
    "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{}{}".format,
    st.sampled_from((0, 1, 99, 1600, 1900, 1969, 2000, 2026, 2100, 9999, 10000)),
    *(st.integers(0, last) for last in (13, 32, 25, 60, 61)),
    st.sampled_from(("000000", "999999", "00000", "0000000", "", "१२३४५६")),
    st.sampled_from(("Z", "Z", "Z", "z", "", "+00:00", "Z\n")),
)


@st.composite
def payloads(draw: st.DrawFn, good: dict[str, Any]) -> dict[str, Any]:
    """The payload *good* at other times: each of the four instants exists."""
    told = dict(good)
    for name in ("received_at", "logged_at", "changed_at", "issued_at"):
        if draw(st.booleans()):
            told[name] = draw(_moments)
    return told


def _unencoded(value: object) -> str:
    """*value* as canonical JSON, which may hold what UTF-8 cannot."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@st.composite
def tokens(draw: st.DrawFn, good: dict[str, Any]) -> str:
    """A token by the first key, of about the payload *good*."""
    told = draw(payloads(good))
    if draw(st.booleans()):
        told["issued_at"] = draw(st.one_of(_odd_instants, _altered(told["issued_at"])))
    text = _unencoded(told)
    if draw(_rarely):
        text = draw(_object([(name, _unencoded(value)) for name, value in sorted(told.items())]))
    if "type" in good:
        token = FIRST.token(canonical(FIRST.header()), text.encode("utf-8", "surrogatepass"))
    else:
        token = FIRST.sign_text(text)
    return draw(_altered(token)) if draw(_rarely) else token


@st.composite
def chains(draw: st.DrawFn, guid: str, good: Sequence[str]) -> bytes:
    """A chain document of about the tokens *good*."""
    listed = [token if token.startswith("{") else json.dumps(token) for token in good]
    for _ in range(draw(st.sampled_from((0, 0, 0, 1)))):
        at = draw(st.integers(0, len(listed) - 1))
        listed[at : at + draw(st.integers(0, 1))] = [
            draw(st.one_of(_values, st.sampled_from(listed)))
        ]
    text = draw(_object([("guid", json.dumps(guid)), ("statements", f"[{','.join(listed)}]")]))
    return draw(_document(text))


def _note(log: Log, text: str) -> str:
    signature = private(log.label).sign(text.encode("utf-8", "surrogatepass"))
    return f"— {log.origin} {b64(bytes.fromhex(log.vkey.split('+')[1]) + signature)}\n"


@st.composite
def checkpoints(draw: st.DrawFn, log: Log) -> str:
    """A checkpoint of about *log*, signed rightly or wrongly, with others' lines under it."""
    size = draw(st.integers(0, len(log.leaves)))
    number = draw(st.sampled_from((*[str(size)] * 20, f"0{size}", f"+{size}", "", "५", "1" * 17)))
    lines = [log.origin, number, b64(log.root(0, size))]
    lines += draw(st.lists(_altered("extension"), max_size=2)) if draw(_rarely) else []
    if draw(_rarely):
        lines.append(
            draw(st.sampled_from(("—", "x", "\U0001f309"))) * draw(st.integers(4000, 16500))
        )
    if draw(_rarely):
        at = draw(st.integers(0, 2))
        lines[at] = draw(_altered(lines[at]))
    text = "".join(f"{line}\n" for line in lines)
    own = _note(log, text)
    witness = st.builds(
        "— {} {}\n".format,
        st.one_of(st.sampled_from((log.origin, "witness", "", "a+b")), _altered("witness")),
        st.one_of(
            st.binary(min_size=3, max_size=6).map(b64),
            st.just(b64(bytes(68))),
            st.just("%%"),
            st.just(""),
        ),
    )
    others = st.one_of(
        st.just(_note(Log("witness.example", "witness"), text)),
        st.just(_note(Log(log.origin, "another"), text)),
        witness,
        _altered(own),
    )
    under = draw(st.lists(others, max_size=2)) * draw(st.sampled_from((1, 1, 1, 9, 20)))
    under.insert(draw(st.integers(0, len(under))), own)
    whole = f"{text}\n{''.join(under)}"
    return draw(_altered(whole)) if draw(_rarely) else whole


@st.composite
def proofs_of_many(draw: st.DrawFn, log: Log) -> str:
    """A proof of about some leaves of *log*."""
    size = draw(st.integers(1, len(log.leaves)))
    indexes = draw(st.sets(st.integers(0, size - 1), min_size=1))
    pieces = log.proof(indexes, size).split("\n", 3)
    if draw(_rarely):
        listed = draw(st.lists(st.integers(0, size), max_size=4))
        pieces[1] = f"leaves {' '.join(map(str, listed))}"
    if draw(_rarely):
        pieces[2] = b64(b"".join(map(log.root, draw(st.lists(st.integers(0, size - 1))))))
    if draw(_rarely):
        pieces[3] = f"\n{draw(checkpoints(log))}"
    whole = "\n".join(pieces)
    return draw(_altered(whole)) if draw(_rarely) else whole


@st.composite
def proofs(draw: st.DrawFn, log: Log) -> tuple[str, int]:
    """A proof of about a leaf of *log*, and which leaf that is."""
    index = draw(st.integers(0, len(log.leaves) - 1))
    head, _, note = log.receipt(index).partition("\n\n")
    lines = head.split("\n")
    if draw(_rarely):
        at = draw(st.integers(0, len(lines) - 1))
        change: Callable[[list[str]], list[str]] = draw(
            st.sampled_from(
                (
                    lambda piece: [],
                    lambda piece: piece * 2,
                    lambda piece: [*piece, ""],
                    lambda piece: piece * 70,
                    lambda piece: [f"{line} " for line in piece],
                )
            )
        )
        lines[at : at + 1] = change(lines[at : at + 1])
    if draw(_rarely):
        note = draw(checkpoints(log))
    whole = "\n".join(lines) + f"\n\n{note}"
    return (draw(_altered(whole)) if draw(_rarely) else whole), index
