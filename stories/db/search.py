"""The full-text index: which stories have which words, in public and for the desk.

Words are cut before they come here, and a database only keeps and compares them: SQLite by FTS5,
PostgreSQL by a ``tsvector``. The index (``search_words``) has words and their places and no text;
``searched`` has beside it what was indexed of each story, without which SQLite could not take it
out again.

What is not public stands in it as words of another kind (:data:`DESK`), which nobody can ask for
but the desk: all words of a story that is in no public feed, and the headlines of one that is
published under another.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.sql.selectable import TextualSelect

from stories.db import key_value
from stories.db.engine import upsert
from stories.db.tables import UtcDateTime, searched, unsearched
from stories.models import Term

PROGRESS = "searched"
"""The key of how far the index is."""

REST = "searched:rest"
"""The key of how far back the stories of before the desk could search are looked through."""

DESK = "\ue000"
"""How a word begins that only the desk finds: with no letter, so no public search can mean it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_A_SECOND = 100_000
"""Numbers for the stories of one second: more than one capture has items."""
_LENGTHS = {"h": 3600 * _A_SECOND, "d": 24 * 3600 * _A_SECOND}


LATELY, MOST_SPANS = (300, 8_000), 200
"""Of so many of the newest stories PostgreSQL is asked first; and most hours or days that these may
be of, for each of which it takes some microseconds."""

BEGINNING = 100
"""Words that SQLite looks for in place of a beginning."""


class Indexed(NamedTuple):
    """The words of a story, and the time by which feeds order it. ``desk`` are those that only the
    desk finds; ``hidden`` when it is in no public feed, and has no others."""

    story_id: str
    placed_at: datetime
    words: Sequence[str]
    desk: Sequence[str] = ()
    hidden: bool = False


class Found(NamedTuple):
    """A story that was found. The later it is placed, the higher its number."""

    number: int
    story_id: str
    placed_at: datetime


def placed_at(conn: Connection, ids: Sequence[str]) -> dict[str, datetime]:
    """By what time those of the stories *ids* were placed that are in the index in public, when
    they came into it."""
    rows = conn.execute(_PLACED_AT, {"ids": list(ids)})
    return {row.story_id: row.placed_at for row in rows if not row.hidden}


def known(conn: Connection, ids: Sequence[str]) -> set[str]:
    """Those of the stories *ids* that are in the index, in public or for the desk."""
    return {row.story_id for row in conn.execute(_PLACED_AT, {"ids": list(ids)})}


def want(conn: Connection, ids: Sequence[str]) -> None:
    """Note that the words of these stories, in no public feed, are to be put into the index."""
    if ids:
        rows = [{"story_id": name} for name in sorted(set(ids))]
        conn.execute(upsert(conn, unsearched).on_conflict_do_nothing(), rows)


def wanted(conn: Connection, limit: int) -> list[str]:
    """The first *limit* stories of which that was noted."""
    query = select(unsearched.c.story_id).order_by(unsearched.c.story_id).limit(limit)
    return list(conn.execute(query).scalars())


def unwant(conn: Connection, ids: Sequence[str]) -> None:
    """Note that it is done, for these."""
    conn.execute(delete(unsearched).where(unsearched.c.story_id.in_(list(ids))))


def put(conn: Connection, rows: Sequence[Indexed]) -> None:
    """Put stories into the index, in place of what it had of them."""
    forget(conn, [row.story_id for row in rows])
    notes, put_in = [], []
    following: dict[int, int] = {}
    for row in rows:
        number = _free(conn, row.placed_at, following)
        words = [*row.words, *(f"{DESK}{word}" for word in row.desk)]
        said = " ".join(words)
        of = {"number": number, "story_id": row.story_id, "placed_at": row.placed_at}
        notes.append({**of, "words": said.encode(), "hidden": row.hidden})
        if conn.dialect.name == "postgresql":
            said = " ".join(f"'{word}':{at}" for at, word in enumerate(words, 1))
            spans = (_span(name, number // length) for name, length in _LENGTHS.items())
            said = f"{said} {' '.join(spans)}"
        put_in.append({"number": number, "words": said})
    if notes:
        conn.execute(_NOTE, notes)
        conn.execute(_PUT[conn.dialect.name], put_in)


def _free(conn: Connection, at: datetime, following: dict[int, int]) -> int:
    """A number that no story has yet, in the order of time. *following* has the next ones, by
    second."""
    second = int((at - _EPOCH).total_seconds())
    first, end = second * _A_SECOND, (second + 1) * _A_SECOND
    if second not in following:
        last = conn.execute(_LAST, {"first": first, "end": end}).scalar()
        following[second] = first if last is None else last + 1
    number = following[second]
    if number >= end:
        return _free(conn, at + timedelta(seconds=1), following)
    following[second] = number + 1
    return number


def forget(conn: Connection, ids: Sequence[str]) -> None:
    """Take stories out of the index."""
    rows = conn.execute(_NOTED, {"ids": list(ids)}).all()
    if not rows:
        return
    plain = conn.dialect.name == "postgresql"
    taken_out = [
        {"number": number} | ({} if plain else {"words": said.decode()}) for number, said in rows
    ]
    conn.execute(_TAKE_OUT[conn.dialect.name], taken_out)
    conn.execute(_FORGET, {"ids": list(ids)})


# Statements are made once: to make one takes several times what it takes to carry it out.

_OF_STORIES = searched.c.story_id.in_(bindparam("ids", expanding=True))
_PLACED_AT = select(searched.c.story_id, searched.c.placed_at, searched.c.hidden).where(_OF_STORIES)
_NOTED = select(searched.c.number, searched.c.words).where(_OF_STORIES)
_NOTE = insert(searched)
_FORGET = delete(searched).where(_OF_STORIES)
_LAST = select(func.max(searched.c.number)).where(
    searched.c.number >= bindparam("first", type_=BigInteger()),
    searched.c.number < bindparam("end", type_=BigInteger()),
)


def begin_anew(conn: Connection) -> None:
    """Empty the index, which is then made again."""
    conn.execute(_EMPTY[conn.dialect.name])
    conn.execute(delete(searched))
    key_value.forget(conn, PROGRESS)
    key_value.forget(conn, REST)


def find(
    conn: Connection,
    terms: Sequence[Term],
    feeds: Sequence[str] | None,
    before: int | None,
    limit: int,
) -> list[Found]:
    """The newest *limit* stories of any of *feeds* that have all *terms* in public; where it is
    None, as for the desk, of all stories that have them. Only those with a number *before* one, if
    given."""
    last = conn.execute(_LAST_BEFORE, {"before": before or 2**63 - 1}).scalar()
    if not terms or last is None:
        return []
    asked: dict[str, object] = {"last": last, "most": limit}
    desk = feeds is None
    if feeds is not None:
        asked["feeds"] = list(feeds)
    if conn.dialect.name == "sqlite":
        every = (" OR ".join(_in_fts5(conn, kind) for kind in _kinds(t, desk)) for t in terms)
        return _found(conn, asked, " AND ".join(f"({each})" for each in every))
    conn.execute(_IN_TIME)
    kinds = (" | ".join(_in_tsquery(kind) for kind in _kinds(term, desk)) for term in terms)
    meant = " & ".join(f"({each})" for each in kinds)
    for spans in _lately(conn, last):
        newest = _found(conn, asked, f"{meant} & ({' | '.join(spans)})")
        if len(newest) == limit:
            return newest
        # What none of the newest has is rare, and soon found among all. If it was in the news long
        # ago, 20,000 stories of then take some 70 ms.
        if not newest:
            break
    return _found(conn, asked, meant)


def _found(conn: Connection, asked: Mapping[str, object], meant: str) -> list[Found]:
    query = (_FIND if "feeds" in asked else _FIND_ANY)[conn.dialect.name]
    rows = conn.execute(query, {**asked, "terms": meant})
    return [Found(*row) for row in rows]


def _lately(conn: Connection, last: int) -> Iterator[list[str]]:
    """For PostgreSQL, when the newest stories up to *last* were placed, then more of them.

    Its index knows no order: it would bring all that ever had a word, where that is common. So
    there each story has its hour and its day among its words.
    """
    for count in LATELY:
        first = conn.execute(_BACK, {"last": last, "count": count}).scalar()
        if first is not None and (spans := _spans(first, last)):
            yield spans


def _kinds(term: Term, desk: bool) -> list[Term]:
    """What *term* is in public and, for the desk, what it is there."""
    own = Term(tuple(f"{DESK}{word}" for word in term.words), begins=term.begins)
    return [term, own] if desk else [term]


def _spans(first: int, last: int) -> list[str]:
    """The hours of the stories from one number to another or, where these are many, the days, each
    as a word that no story has of itself; nothing where those are many, too."""
    for name, length in _LENGTHS.items():
        spans = range(first // length, last // length + 1)
        if len(spans) <= MOST_SPANS:
            return [_span(name, number) for number in spans]
    return []


def _span(name: str, number: int) -> str:
    return f"'@{name}{number}'"


# Words are letters, marks and digits, of which neither language makes anything else in quotes.


def _in_fts5(conn: Connection, term: Term) -> str:
    if not term.begins:
        return _quoted(term.words)
    # FTS5 would bring all places of all words that begin so together first: seconds.
    *before, beginning = term.words
    ends = _beginning(conn, beginning) or [beginning]
    return f"({' OR '.join(_quoted([*before, word]) for word in ends)})"


def _quoted(words: Sequence[str]) -> str:
    return f'"{" ".join(words)}"'


def _beginning(conn: Connection, beginning: str) -> list[str]:
    """The first :data:`BEGINNING` words that begin so, each found by one step from the last."""
    found: list[str] = []
    last = beginning
    while len(found) < BEGINNING:
        word = conn.execute(_FROM, {"first": last}).scalar()
        if word is None or not word.startswith(beginning):
            break
        found.append(word)
        last = f"{word}\0"
    return found


def _in_tsquery(term: Term) -> str:
    said = " <-> ".join(f"'{word}'" for word in term.words)
    return f"({said}{':*' if term.begins else ''})"


_FROM = text("SELECT term FROM search_vocabulary WHERE term >= :first LIMIT 1")
# What is found is looked up one by one: of rare words PostgreSQL expects more than there is, and
# would go through all stories, to join some of them. Nor is it to go through all their words, or to
# compile what is done in milliseconds: of the hours of 300 among two million stories it expects a
# sixth of all.
_IN_TIME = text(
    "SELECT set_config('statement_timeout', '2s', true), set_config('jit', 'off', true),"
    " set_config('enable_mergejoin', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_seqscan', 'off', true)"
)
_BACK = (
    select(searched.c.number)
    .where(searched.c.number <= bindparam("last", type_=BigInteger()))
    .order_by(searched.c.number.desc())
    .offset(bindparam("count", type_=Integer()))
    .limit(1)
)
_PUT = {
    "sqlite": text("INSERT INTO search_words (rowid, words) VALUES (:number, :words)"),
    "postgresql": text(
        "INSERT INTO search_words (rowid, words) VALUES (:number, CAST(:words AS tsvector))"
    ),
}
_TAKE_OUT = {
    "sqlite": text(
        "INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', :number, :words)"
    ),
    "postgresql": text("DELETE FROM search_words WHERE rowid = :number"),
}
_EMPTY = {
    "sqlite": text("INSERT INTO search_words (search_words) VALUES ('delete-all')"),
    "postgresql": text("DELETE FROM search_words"),
}
_LAST_BEFORE = select(func.max(searched.c.number)).where(
    searched.c.number < bindparam("before", type_=BigInteger())
)


def _finds(placed: str) -> dict[str, TextualSelect]:
    """The query of each database for those of which *placed* holds besides."""
    return {
        dialect: text(
            f"""
            WITH found AS {how} (
                SELECT rowid AS number FROM search_words WHERE {matching} AND {number} <= :last
            )
            SELECT found.number, searched.story_id, searched.placed_at
            FROM found JOIN searched ON searched.number = found.number
            {placed}
            ORDER BY found.number DESC LIMIT :most
            """  # noqa: S608 - of our own words
        ).columns(searched.c.number, searched.c.story_id, placed_at=UtcDateTime())
        for dialect, how, matching, number in (
            ("sqlite", "", "search_words MATCH :terms", "rowid"),
            # By the index of words alone, whatever it thinks of walking back in time till enough
            # are found: where a word is rare it would walk over all.
            ("postgresql", "MATERIALIZED", "words @@ CAST(:terms AS tsquery)", "rowid + 0"),
        )
    }


_FIND_ANY = _finds("")
_FIND = {
    dialect: query.bindparams(bindparam("feeds", expanding=True))
    for dialect, query in _finds(
        """WHERE EXISTS (
            SELECT 1 FROM placements
            WHERE placements.story_id = searched.story_id AND placements.feed IN :feeds
        )"""
    ).items()
}
