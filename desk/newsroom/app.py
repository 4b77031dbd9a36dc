"""The desk as one ASGI application: what each address answers, and who may ask for it."""

import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import structlog
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from desk.headline import HeadlineError, MovedOnError
from desk.hiding import HidingError
from desk.newsroom import views
from desk.newsroom.acts import Desk, name_of
from desk.newsroom.backroom import Backroom
from desk.newsroom.dossier import draft_over, second_look
from desk.newsroom.forms import Form, back, form_of, number
from desk.newsroom.log import as_csv, log_page, place_of
from desk.newsroom.news import News
from desk.newsroom.pages import HEADERS, Pages
from desk.newsroom.people import PeoplePage
from desk.newsroom.queues import QUEUES, Asked, placed
from desk.newsroom.sign_in import Door, SignInError, Visitor
from desk.newsroom.times import newsroom_zone
from desk.newsroom.trial import given_by, given_in, tried
from publish.web.app import App
from publish.web.feeds import Receive, Scope, Send
from publish.web.representation import SERVER
from stories import clock
from stories.config import Config
from stories.db import SQLAlchemyError, Store, captures
from stories.db import stories as records
from stories.db.people import Role
from stories.errors import StoreError, UnknownOutcomeError
from stories.models import ActKind

_STORY = re.compile(r"[a-z2-7]{13}", re.ASCII)

_NOBODY = Visitor(None, "")

EDITOR: Role = "editor"
CHIEF: Role = "chief"

_TITLES = {
    400: "That cannot be read",
    403: "Not for you",
    404: "Nothing is here",
    405: "That cannot be done here",
    409: "Somebody was faster",
    410: "No longer here",
    422: "That was not taken",
    429: "Too many tries",
    500: "Something went wrong",
    503: "Back in a moment",
}

_SIGNED_OUT = "Your session has ended."
_STALE = "You have signed in again since this page was loaded. Send it once more."
_FOREIGN = "That was sent by a page of another site. Nothing was done."

_KEPT = ("text", "reason")
_HIDDEN = ("version", "edits", "slug", "back")
"""The fields of a form that was not taken of which its writer is shown what they wrote, and those
that are sent again with them."""

LONGEST_PATH = 500
"""Characters of an address of ours, without its query."""

log = structlog.get_logger(__name__)


def create(
    config: Config,
    store: Store,
    *,
    changed: Callable[[Collection[str]], None] = lambda _: None,
) -> "Application":
    """The application of the desk of *config* on *store*; *changed* is called after each act with
    the feeds whose bytes did."""
    return Application(Newsroom(config, store, changed))


class Application:
    """The whole desk as one ASGI application, which can be told that it is to end."""

    def __init__(self, newsroom: "Newsroom") -> None:
        self._pages = cast("App", newsroom.starlette())
        self.end = newsroom.news.end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_server(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], SERVER]
            await send(message)

        if len(scope.get("path", "")) > LONGEST_PATH:  # or a number in it may be too long to read
            answer = Response("There is no such page.\n", 404, HEADERS, "text/plain")
            await answer(scope, receive, send_with_server)
            return
        # Starlette answers 500 of what nobody foresaw, and raises again when that is logged.
        with suppress(Exception):
            await self._pages(scope, receive, send_with_server)


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that *visitor* sent about a story."""

    request: Request
    visitor: Visitor
    form: Form
    story: str

    @property
    def read(self) -> tuple[int, int] | None:
        """What its writer had read of the story: the number of the version, how many edits."""
        version, edits = number(self.form, "version"), number(self.form, "edits")
        return None if version is None or edits is None else (version, edits)


class Newsroom:
    """What each route answers."""

    def __init__(
        self, config: Config, store: Store, changed: Callable[[Collection[str]], None]
    ) -> None:
        self.config = config
        self.store = store
        self.pages = Pages(config)
        self.door = Door(config, store)
        self.desk = Desk(store, config, changed)
        self.news = News(store)
        self.backroom = Backroom(config, store, self.pages)
        self.people = PeoplePage(config, store, self.pages)

    def starlette(self) -> Starlette:
        """The routes."""
        app = Starlette(
            routes=[
                Route("/", self._page("reader", self.home)),
                Route("/queues/{queue}", self._page("reader", self.queue)),
                Route("/stories/{story}", self._page("reader", self.story)),
                Route("/stories/{story}/raw/{number:int}", self._page("reader", self.raw)),
                Route("/stories/{story}/draft", self._form(self.draft), methods=["POST"]),
                Route(
                    "/stories/{story}/kill", self._page("chief", self.kill_page), methods=["GET"]
                ),
                Route("/stories/{story}/kill", self._form(self.kill), methods=["POST"]),
                Route("/stories/{story}/unkill", self._act("chief", self.unkill), methods=["POST"]),
                Route("/second-look", self._page("editor", self.second_looks)),
                Route("/second-look/{story}", self._page("editor", self.second_look)),
                Route("/news/{queue}", self.tell_news),
                Route("/log", self._page("reader", self.log)),
                Route("/feeds", self._page("reader", self.feeds)),
                Route("/log.csv", self._page("reader", self.log_csv)),
                Route("/wires", self._page("reader", self.backroom.wires)),
                Route("/wires/{wire}", self._page("reader", self.backroom.wire)),
                *(
                    Route(f"/wires/{{wire}}/{name}", self._form_for(role, act), methods=["POST"])
                    for name, role, act in (
                        ("poll", EDITOR, self.backroom.poll),
                        ("pause", CHIEF, self.backroom.pause),
                        ("resume", CHIEF, self.backroom.resume),
                    )
                ),
                Route("/people", self._page("chief", self.people.people)),
                *(
                    Route(f"/people/{name}", self._form_for(CHIEF, act), methods=["POST"])
                    for name, act in (
                        ("add", self.people.add),
                        ("link", self.people.link),
                        ("role", self.people.set_role),
                        ("revoke", self.people.revoke),
                    )
                ),
                Route("/quarantine", self._page("reader", self.backroom.quarantine)),
                *(
                    Route(f"/quarantine/{{capture:int}}{item}{name}", answer, methods=[method])
                    for item in ("", "/{item:int}")
                    for name, method, answer in (
                        ("", "GET", self._page("reader", self.backroom.problem)),
                        ("/accept", "POST", self._form_for(EDITOR, self.backroom.accept)),
                        ("/leave", "POST", self._form_for(EDITOR, self.backroom.leave)),
                    )
                ),
                *(
                    Route(f"/stories/{{story}}/{name}", self._act("editor", act), methods=["POST"])
                    for name, act in (
                        ("headline", self.write),
                        ("revert", self.revert),
                        ("undo", self.undo),
                        ("settle", self.settle),
                        ("hold", self.hold),
                        ("release", self.release),
                        ("writing", self.writing),
                    )
                ),
                Route("/sign-in", self._page(None, self.sign_in_page), methods=["GET"]),
                Route("/sign-in", self._form(self.sign_in), methods=["POST"]),
                Route("/sign-out", self._form(self.sign_out), methods=["POST"]),
                Route("/welcome/{token}", self._page(None, self.welcome_page), methods=["GET"]),
                Route("/welcome/{token}", self._form(self.welcome), methods=["POST"]),
                Route("/static/{path:path}", self.file),
                Route("/favicon.ico", self.icon),
                Route("/healthz", self.healthz),
            ],
            exception_handlers={
                HTTPException: self._refused,
                SignInError: self._kept_out,
                SQLAlchemyError: self._away,
                StoreError: self._away,
                Exception: self._failed,
            },
        )
        # It would redirect to whatever host the request names.
        app.router.redirect_slashes = False
        return app

    # Pages

    def home(self, _request: Request, _visitor: Visitor) -> Response:
        """``/``: what is new."""
        return _see(Asked().address())

    def queue(self, request: Request, visitor: Visitor) -> Response:
        """``/queues/QUEUE?…``: the stories of a queue that pass the filters."""
        asked = _asked(request)
        if asked.queue == "quarantine":
            return _see("/quarantine")
        with self.store.read() as conn:
            page = views.list_page(conn, self.config, asked, visitor)
        return self.pages.answer("list.html", visitor, page=page, back=asked.address())

    async def tell_news(self, request: Request) -> Response:
        """``/news/QUEUE?…``: what comes into a queue after its page was made."""
        asked = _asked(request)
        visitor = await run_in_threadpool(self.door.visitor, request)
        self._check(visitor, "reader")
        if self.news.is_full:
            raise HTTPException(503, "Too many pages are open.", {"retry-after": "60"})
        since = placed(asked.cursor)
        told = self.news.events(asked, visitor.name, since.at if since else clock.now())
        # nginx would keep what is said until there is much of it.
        headers = {**HEADERS, "x-accel-buffering": "no"}
        return StreamingResponse(told, headers=headers, media_type="text/event-stream")

    def story(self, request: Request, visitor: Visitor) -> Response:
        """``/stories/ID``: one story."""
        name = self._story_in(request)
        with self.store.read() as conn:
            page = views.story_page(conn, self.config, name)
        if page is None:
            raise HTTPException(404, "There is no such story.")
        answer = self.pages.answer("story.html", visitor, page=page, back=f"/stories/{name}")
        if visitor.may("editor"):
            # After it is answered: to read, nobody waits for who writes in the database just now.
            answer.background = BackgroundTask(self._note_open, name, visitor.name)
        return answer

    def _note_open(self, story: str, by: str) -> None:
        # A story can be read where nothing can be written, on a full disk, too.
        with suppress(SQLAlchemyError, StoreError):
            self.desk.open_to_write(story, by)

    def raw(self, request: Request, _visitor: Visitor) -> Response:
        """``/stories/ID/raw/N``: the bytes of a version as the agency sent them."""
        name, number = self._story_in(request), request.path_params["number"]
        with self.store.read() as conn:
            rows = [row for row in records.history(conn, name) if row.number == number]
            sent = (
                captures.own_bytes(conn, rows[0].capture_id, rows[0].start, rows[0].end)
                if rows
                else None
            )
        if sent is None:
            text = "There is no such version, or its bytes are no longer kept."
            raise HTTPException(404, text)
        return Response(sent, headers=HEADERS, media_type="text/plain")

    def draft(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """``/stories/ID/draft``: what a headline would be, which is not saved."""
        self._check(visitor, "editor")
        return self._drafted(request, visitor, form)

    def _drafted(self, request: Request, visitor: Visitor, form: Form, error: str = "") -> Response:
        """The form again with what was written; what that would be, or the *error* that it is."""
        name, text = self._story_in(request), form.get("text", "")
        with self.store.read() as conn:
            row = views.story_row(conn, self.config, name)
            draft = draft_over(conn, self.config, name, text)
        if row is None or draft is None:
            raise HTTPException(404, "There is no such story.")
        template = "draft_panel.html" if _wants_row(request) else "draft.html"
        there = back(form, f"/stories/{name}")
        told: dict[str, Any] = {"row": row, "draft": draft, "text": text}
        told |= {"back": there, "error": error}
        return self.pages.answer(template, visitor, 422 if error else 200, **told)

    def second_looks(self, _request: Request, _visitor: Visitor) -> Response:
        """``/second-look``: the first story that waits for one; else the queue, where none does."""
        with self.store.read() as conn:
            waiting = records.second_looks(conn, 1)
        return _see(f"/second-look/{waiting[0]}" if waiting else Asked("second-look").address())

    def second_look(self, request: Request, visitor: Visitor) -> Response:
        """``/second-look/ID``: the wire then and now, and ours, to choose from."""
        name = self._story_in(request)
        with self.store.read() as conn:
            look = second_look(conn, self.config, name)
            row = views.story_row(conn, self.config, name)
        if look is None:
            return _see("/second-look")
        there = f"/second-look/{look.following}" if look.following else "/second-look"
        return self.pages.answer("second_look.html", visitor, look=look, row=row, back=there)

    def kill_page(self, request: Request, visitor: Visitor) -> Response:
        """``/stories/ID/kill``: the form."""
        return self._kill_page(request, visitor, {})

    def _kill_page(
        self, request: Request, visitor: Visitor, form: Form, error: str = ""
    ) -> Response:
        name = self._story_in(request)
        with self.store.read() as conn:
            row = views.story_row(conn, self.config, name)
            story = records.one(conn, name)
        if row is None or story is None:
            raise HTTPException(404, "There is no such story.")
        status, why = 422 if error else 200, form.get("reason", "")
        return self.pages.answer(
            "kill.html", visitor, status, row=row, slug=name_of(story), reason=why, error=error
        )

    def kill(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """``/stories/ID/kill``: out of every feed for good."""
        self._check(visitor, "chief")
        name = self._story_in(request)
        try:
            self.desk.kill(name, visitor.name, form.get("reason", ""), form.get("slug", ""))
        except (HeadlineError, HidingError) as error:
            return self._kill_page(request, visitor, form, str(error))
        return _see(f"/stories/{name}")

    def unkill(self, sent: Sent) -> None:
        """``/stories/ID/unkill``: a kill of the last minutes undone."""
        self.desk.unkill(sent.story, sent.visitor.name)

    def log(self, request: Request, visitor: Visitor) -> Response:
        """``/log``: what was done, by whom and when."""
        by, before = (request.query_params.get(name, "") for name in ("by", "before"))
        with self.store.read() as conn:
            zone = newsroom_zone(self.config)
            page = log_page(conn, by.replace("\0", "").strip(), place_of(before), zone)
        return self.pages.answer("log.html", visitor, page=page)

    def feeds(self, request: Request, visitor: Visitor) -> Response:
        """``/feeds``: what a feed would select, tried out."""
        of = self.config.feed(request.query_params.get("of", ""))
        given = given_in(request.query_params) if of is None else given_by(of)
        with self.store.read() as conn:
            trial = tried(conn, self.config, given)
        outgoing = self.config.outgoing
        return self.pages.answer("feeds.html", visitor, trial=trial, feeds=outgoing)

    def log_csv(self, request: Request, _visitor: Visitor) -> Response:
        """``/log.csv``: the same, to keep."""
        by = request.query_params.get("by", "").replace("\0", "").strip()
        with self.store.read() as conn:
            sent = as_csv(conn, by)
        named = {"content-disposition": 'attachment; filename="desk-log.csv"'}
        body = sent.encode("utf-8", "replace")
        return Response(body, headers={**HEADERS, **named}, media_type="text/csv")

    # Acts

    def write(self, sent: Sent) -> list[str]:
        """``/stories/ID/headline``: the desk's headline."""
        text = sent.form.get("text", "")
        return self.desk.write(sent.story, text, sent.visitor.name, sent.read)

    def revert(self, sent: Sent) -> None:
        """``/stories/ID/revert``: the wire's headline again."""
        self.desk.revert(sent.story, sent.visitor.name, sent.read)

    def undo(self, sent: Sent) -> None:
        """``/stories/ID/undo``: what stood before."""
        self.desk.undo(sent.story, sent.visitor.name, sent.read)

    def settle(self, sent: Sent) -> None:
        """``/stories/ID/settle``: it stays as it is."""
        self.desk.settle(sent.story, sent.visitor.name, sent.read)

    def hold(self, sent: Sent) -> None:
        """``/stories/ID/hold``: out of every feed for now."""
        self._hide(sent, "hold")

    def release(self, sent: Sent) -> None:
        """``/stories/ID/release``: back; of a killed story by a chief alone."""
        with self.store.read() as conn:
            row = views.story_row(conn, self.config, sent.story)
        if row is not None and row.status == "killed" and not sent.visitor.may("chief"):
            raise HTTPException(403, "Only a chief releases a story that was killed.")
        self._hide(sent, "release")

    def writing(self, sent: Sent) -> Response:
        """``/stories/ID/writing``: somebody still writes; who else does."""
        others = self.desk.open_to_write(sent.story, sent.visitor.name)
        return JSONResponse({"others": others}, headers=HEADERS)

    def _hide(self, sent: Sent, kind: ActKind) -> None:
        self.desk.hide(sent.story, kind, sent.visitor.name, sent.form.get("reason", ""))

    # Coming and going

    def sign_in_page(self, request: Request, visitor: Visitor) -> Response:
        """``/sign-in``: the form."""
        wanted = back(dict(request.query_params), "/")
        if visitor.person is not None:
            return _see(wanted)
        return self.pages.answer("sign_in.html", visitor, wanted=wanted, error="", name="")

    def sign_in(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """``/sign-in``: begin a session."""
        name = form.get("name", "")
        try:
            token = self.door.sign_in(request, name, form.get("password", ""))
        except SignInError as error:
            log.warning("not signed in", address=self.door.address(request), why=str(error))
            wait = {"retry-after": str(error.wait)} if error.wait else {}
            told = {"wanted": back(form, "/"), "error": str(error), "name": name[:100]}
            return self.pages.answer("sign_in.html", visitor, error.status, wait, **told)
        self.door.sign_out(visitor)
        return self._signed_in(back(form, "/"), token)

    def sign_out(self, _request: Request, visitor: Visitor, _form: Form) -> Response:
        """``/sign-out``: end the session."""
        self.door.sign_out(visitor)
        return _see("/sign-in")

    def welcome_page(self, request: Request, visitor: Visitor) -> Response:
        """``/welcome/TOKEN``: the form to set a password."""
        person = self.door.linked(request.path_params["token"])
        return self.pages.answer("welcome.html", visitor, who=person, error="")

    def welcome(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """``/welcome/TOKEN``: set it, and begin a session."""
        link = request.path_params["token"]
        try:
            token = self.door.set_password(link, form.get("password", ""), form.get("again", ""))
        except SignInError as error:
            if error.status != 422:
                raise
            who = self.door.linked(link)
            return self.pages.answer("welcome.html", visitor, 422, who=who, error=str(error))
        return self._signed_in("/", token)

    def _signed_in(self, there: str, token: str) -> Response:
        answer = _see(there)
        self.door.remember(answer, token)
        return answer

    # Besides

    async def file(self, request: Request) -> Response:
        """``/static/VERSION/NAME``: our own style and script."""
        found = self.pages.file(request.url.path)
        if found is None:
            raise HTTPException(404)
        return found

    async def icon(self, _request: Request) -> Response:
        """``/favicon.ico``."""
        return self.pages.icon()

    async def healthz(self, _request: Request) -> Response:
        """``/healthz``: this process is alive."""
        return Response("ok\n", headers=HEADERS, media_type="text/plain")

    # Who may ask

    def _page(
        self, role: Role | None, page: Callable[[Request, Visitor], Response]
    ) -> Callable[[Request], Response]:
        """A page for who has *role*; for everybody where it is None."""

        def answered(request: Request) -> Response:
            if self.door.comes_from_elsewhere(request):
                # A link in a message was followed: the cookie comes when the page asks for itself.
                return self.pages.answer("again.html", _NOBODY, here=_address(request))
            visitor = self.door.visitor(request)
            if role is not None:
                if visitor.person is None:
                    return _see(f"/sign-in?back={quote(_address(request), safe='/')}")
                self._check(visitor, role)
            answer = page(request, visitor)
            # Whose cookie is no session has to have one all the same, for forms.
            if role is None or visitor.named:
                self.door.remember(answer, visitor.token)
            return answer

        return answered

    def _form(
        self, act: Callable[[Request, Visitor, Form], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        """What a form of everybody's does."""

        async def answer(request: Request) -> Response:
            form = await form_of(request)
            if self.door.is_own_page(request):
                request.state.form = form  # so that whatever happens, it can be sent again
            return await run_in_threadpool(acted, request, form)

        def acted(request: Request, form: Form) -> Response:
            visitor = self.door.visitor(request)
            if not self.door.is_own_form(request, visitor, form):
                if visitor.person is None:
                    raise HTTPException(403, _SIGNED_OUT)
                if not self.door.is_own_page(request):
                    raise HTTPException(403, _FOREIGN)
                request.state.form = {**form, "csrf": visitor.form_token}
                raise HTTPException(403, _STALE)
            return act(request, visitor, form)

        return answer

    def _form_for(
        self, role: Role, act: Callable[[Request, Visitor, Form], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        """What a form does that is sent by who has *role*."""

        def acted(request: Request, visitor: Visitor, form: Form) -> Response:
            self._check(visitor, role)
            return act(request, visitor, form)

        return self._form(acted)

    def _act(
        self, role: Role, act: Callable[[Sent], Response | list[str] | None]
    ) -> Callable[[Request], Awaitable[Response]]:
        """What a form about a story does, sent by who has *role*."""

        def acted(request: Request, visitor: Visitor, form: Form) -> Response:
            self._check(visitor, role)
            sent = Sent(request, visitor, form, self._story_in(request))
            try:
                done = act(sent)
            except MovedOnError as error:
                return self._collided(sent, error)
            except (HeadlineError, HidingError) as error:
                return self._not_taken(sent, str(error))
            return done if isinstance(done, Response) else self._done(sent, done or [])

        return self._form(acted)

    def _check(self, visitor: Visitor, role: Role) -> None:
        if visitor.person is None:
            raise HTTPException(403, _SIGNED_OUT)
        if not visitor.may(role):
            raise HTTPException(
                403, f"That takes the role {role}; you have {visitor.person.role}. Ask a chief."
            )

    def _story_in(self, request: Request) -> str:
        name = str(request.path_params["story"])
        if not _STORY.fullmatch(name):
            raise HTTPException(404, "There is no such story.")
        return name

    # What an act is answered with

    def _done(self, sent: Sent, notes: list[str]) -> Response:
        """Back to where its form was; or the story's row, for our script."""
        if not _wants_row(sent.request):
            return _see(f"{back(sent.form, f'/stories/{sent.story}')}#s-{sent.story}")
        return self._row(sent, 200, notes=notes)

    def _not_taken(self, sent: Sent, why: str) -> Response:
        if _wants_row(sent.request):
            return self._row(sent, 422, notes=[why])
        if sent.form.get("text"):
            return self._drafted(sent.request, sent.visitor, sent.form, why)
        there = back(sent.form, f"/stories/{sent.story}")
        return self._message(sent.request, 422, why, sent.visitor, there)

    def _collided(self, sent: Sent, error: MovedOnError) -> Response:
        """Both to choose from: what stands now, and what was sent."""
        with self.store.read() as conn:
            row = views.story_row(conn, self.config, sent.story)
        read = sent.read or (error.story.number, 0)
        told: dict[str, Any] = {
            "row": row,
            "mine": sent.form.get("text", ""),
            "newer": error.story.number != read[0],
            "back": back(sent.form, f"/stories/{sent.story}"),
        }
        template = "conflict.html" if _wants_row(sent.request) else "conflict_page.html"
        return self.pages.answer(template, sent.visitor, 409, **told)

    def _row(self, sent: Sent, status: int, notes: list[str]) -> Response:
        with self.store.read() as conn:
            row = views.story_row(conn, self.config, sent.story)
        if row is None:
            raise HTTPException(404, "There is no such story.")
        there = back(sent.form, "/")
        return self.pages.answer("row.html", sent.visitor, status, row=row, back=there, notes=notes)

    # What goes wrong

    def _message(
        self,
        request: Request,
        status: int,
        text: str,
        visitor: Visitor = _NOBODY,
        there: str = "/",
        headers: dict[str, str] | None = None,
    ) -> Response:
        title = _TITLES.get(status, _TITLES[400] if status < 500 else _TITLES[500])
        form: Form = getattr(request.state, "form", {})
        written = {name: form[name] for name in _KEPT if form.get(name)}
        return self.pages.answer(
            *("message.html", visitor, status, headers),
            title="You are signed out" if text == _SIGNED_OUT else title,
            text=text,
            there=there,
            signed_out=text == _SIGNED_OUT,
            written=written,
            csrf_again=form.get("csrf", ""),
            hidden={name: form[name] for name in _HIDDEN if name in form},
            here=request.scope["path"],
        )

    def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        text = error.detail if error.detail.endswith(".") else "There is no such page."
        return self._message(request, error.status_code, text, headers=dict(error.headers or {}))

    def _kept_out(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, SignInError)
        return self._message(request, error.status, str(error))

    def _away(self, request: Request, error: Exception) -> Response:
        log.warning("page not made", error=f"{type(error).__name__}: {error}")
        text = "The database does not answer just now. What you sent was not kept; send it again."
        if isinstance(error, UnknownOutcomeError):
            text = (
                "The database was lost at the last moment, so it is not known whether what you sent"
                " was kept. Load the page again and look before you send it again."
            )
        return self._message(request, 503, text, headers={"retry-after": "10"})

    def _failed(self, request: Request, error: Exception) -> Response:
        log.error("request failed", path=request.url.path, exc_info=error)
        return self._message(request, 500, "The page could not be made. The fault has been noted.")


def _asked(request: Request) -> Asked:
    """The queue and the filters that an address names."""
    name = next((name for name in QUEUES if name == request.path_params["queue"]), None)
    if name is None:
        raise HTTPException(404, f"The queues are {', '.join(QUEUES)}.")
    return Asked.of(name, request.query_params)


def _address(request: Request) -> str:
    """What *request* asks for, as it was asked for: `request.url` is read from a text that begins
    with the host's name, which may be anything."""
    query = request.scope["query_string"].decode("latin-1")
    return quote(request.scope["path"], safe="/") + (f"?{query}" if query else "")


def _wants_row(request: Request) -> bool:
    return request.headers.get("x-part") == "row"


def _see(there: str) -> Response:
    """Have the browser ask for another page of ours."""
    return RedirectResponse(there, 303, {"cache-control": "no-store"})


__all__ = ["create"]
