"""Wires and quarantine at the desk. Each page is read from one snapshot of the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from desk.newsroom.compare import Beside, lined_up
from desk.newsroom.forms import Form
from desk.newsroom.pages import Pages
from desk.newsroom.queues import Queue
from desk.newsroom.sign_in import Visitor
from desk.newsroom.times import in_zone, newsroom_zone
from desk.newsroom.views import counted_queues
from desk.next_poll import explained, pusher
from desk.wire_acts import Quarantined, WireActError, act, decide, quarantined
from ingest.item import Reading
from publish.web.views import Language, language_of
from publish.web.wording import Moment, moment
from stories import clock
from stories.config import Config
from stories.db import Store, captures, hubs, wire_acts, wires
from stories.db.wire_acts import WireActKind
from stories.logs import masked
from stories.models import WHOLE, WireState
from wirecopy.encoding import xml_chars

MOST_WIRES = 500
"""Wires on a page; more are found by their names."""

ACTS = 10
"""What people did about a wire that is shown, the newest."""


@dataclass(frozen=True, slots=True)
class ShownWire:
    """A wire as the list has it."""

    state: WireState
    next: str
    polled: Moment | None
    news: Moment | None
    message: str


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """Something in quarantine: what came out of an item beside what is in its bytes."""

    found: Quarantined
    at: Moment
    language: Language
    beside: Beside | None
    acted: Moment | None


class Backroom:
    """What the addresses of wires and quarantine answer."""

    def __init__(self, config: Config, store: Store, pages: Pages) -> None:
        self.config = config
        self.store = store
        self.pages = pages
        self.zone = newsroom_zone(config)

    # Wires

    def wires(self, request: Request, visitor: Visitor) -> Response:
        """``/wires?q=``: the wires, and how they are."""
        part = xml_chars(request.query_params.get("q", ""))[:63].strip().lower()
        now = clock.now()
        with self.store.read() as conn:
            every = [each for each in wires.every(conn) if part in each.name.lower()]
        listed = [_shown_wire(each, self.zone) for each in every[:MOST_WIRES]]
        return self.pages.answer(
            "wires.html", visitor, wires=listed, more=len(every) - len(listed), part=part, now=now
        )

    def wire(self, request: Request, visitor: Visitor) -> Response:
        """``/wires/NAME``: one wire, and why its next poll is when it is."""
        return self._wire_page(str(request.path_params["wire"]), visitor)

    def _wire_page(self, name: str, visitor: Visitor, error: str = "") -> Response:
        now = clock.now()
        with self.store.read() as conn:
            state = wires.get(conn, name)
            if state is None:
                raise HTTPException(404, "There is no such wire.")
            traffic = wires.traffic(conn, now, self.config.politeness.gap)
            latest = captures.listing(conn, wires=[name], limit=3)
            acts = wire_acts.of_wire(conn, name, ACTS)
            of = hubs.of_wire(conn, name)
        rules = self.config.wire(name)
        why = explained(state, rules, self.config.politeness, traffic, latest, now)
        return self.pages.answer(
            "wire.html",
            visitor,
            422 if error else 200,
            wire=_shown_wire(state, self.zone),
            why=[in_zone(masked(line), self.zone, now) for line in why],
            pushed=in_zone(masked(pusher(of, state, now)), self.zone, now)
            if of is not None
            else "",
            acts=[(act, moment(act.at, self.zone, beside=now)) for act in acts],
            error=error,
        )

    def poll(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """``/wires/NAME/poll``: polled before all that is due."""
        return self._on_wire(request, visitor, "poll")

    def pause(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """``/wires/NAME/pause``: polled no more."""
        return self._on_wire(request, visitor, "pause")

    def resume(self, request: Request, visitor: Visitor, _form: Form) -> Response:
        """``/wires/NAME/resume``: polled again."""
        return self._on_wire(request, visitor, "resume")

    def _on_wire(self, request: Request, visitor: Visitor, kind: WireActKind) -> Response:
        name = str(request.path_params["wire"])
        try:
            act(self.store, name, kind, visitor.name)
        except WireActError as error:
            return self._wire_page(name, visitor, f"{error}.")
        return RedirectResponse(f"/wires/{name}", 303, {"cache-control": "no-store"})

    # Quarantine

    def quarantine(self, _request: Request, visitor: Visitor) -> Response:
        """``/quarantine``: what could not be taken in, and nobody has looked at."""
        now = clock.now()
        with self.store.read() as conn:
            found = wire_acts.unseen_problems(conn)
            counts: Mapping[Queue, str] = counted_queues(conn, visitor)
        listed = [(each, moment(each.at, self.zone, beside=now)) for each in found]
        return self.pages.answer(
            "quarantine.html", visitor, problems=listed, counts=counts, most=wire_acts.LISTED
        )

    def problem(self, request: Request, visitor: Visitor) -> Response:
        """``/quarantine/CAPTURE/POSITION``: raw beside what was read."""
        return self.pages.answer("problem.html", visitor, page=self._problem(request))

    def accept(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """``…/accept``: published without a claim, here and wherever these bytes come again."""
        return self._on_problem(request, visitor, form, "accept")

    def leave(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """``…/leave``: it stays in quarantine, and off the list."""
        return self._on_problem(request, visitor, form, "leave")

    def _on_problem(
        self, request: Request, visitor: Visitor, form: Form, kind: WireActKind
    ) -> Response:
        found = self._quarantined(request)
        if (found.act.kind if found.act else "") != form.get("seen", ""):
            who = found.act.by if found.act else "the wire"
            raise HTTPException(409, f"Somebody was faster: {who}.")
        try:
            decide(self.store, found, kind, visitor.name)
        except WireActError as error:
            raise HTTPException(422, f"{str(error).capitalize()}.") from error
        return RedirectResponse("/quarantine", 303, {"cache-control": "no-store"})

    def _quarantined(self, request: Request) -> Quarantined:
        capture_id = int(request.path_params["capture"])
        position = int(request.path_params["item"]) - 1 if "item" in request.path_params else WHOLE
        found = quarantined(self.store, self.config, capture_id, position)
        if found is None:
            raise HTTPException(404, "That is not in quarantine, or no longer.")
        return found

    def _problem(self, request: Request) -> ShownProblem:
        found, now = self._quarantined(request), clock.now()
        return ShownProblem(
            found,
            at=moment(found.problem.at, self.zone, beside=now),
            language=language_of(found.reading.language if found.reading else None),
            beside=_compared(found.reading) if found.reading else None,
            acted=moment(found.act.at, self.zone, beside=now) if found.act else None,
        )


def _shown_wire(state: WireState, zone: tzinfo | None) -> ShownWire:
    now = clock.now()
    if not state.configured:
        following = "never: it is no longer in the configuration"
    elif state.paused_at is not None:
        following = "paused"
    else:
        following = state.due_because or "new wire"
    return ShownWire(
        state=state,
        next=in_zone(masked(following), zone, now),
        polled=moment(state.polled_at, zone, beside=now) if state.polled_at else None,
        news=moment(state.changed_at, zone, beside=now) if state.changed_at else None,
        message=in_zone(masked(state.message or state.fault or ""), zone, now),
    )


def _compared(reading: Reading) -> Beside:
    """The passages in the bytes beside what came out of them."""
    there = [text for _, passage in reading.passages for text in passage.split("\n")]
    here = [reading.headline, reading.summary, *reading.paragraphs]
    return lined_up([t for t in there if t.strip()], [t for t in here if t.strip()])
