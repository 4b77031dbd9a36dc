"""People at the desk: a chief lets them in, gives roles and links, and revokes."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from desk import people as letting
from desk.headline import HeadlineError
from desk.newsroom.forms import Form
from desk.newsroom.pages import Pages
from desk.newsroom.sign_in import Visitor
from desk.newsroom.times import newsroom_zone
from desk.people import PeopleError
from publish.web.wording import moment
from stories import clock
from stories.config import Config
from stories.db import Store, people
from stories.db.people import ROLES, Role
from stories.errors import UnknownNameError


class PeoplePage:
    """What ``/people`` answers. Nobody changes their own role there or revokes themselves, so that
    there is always a chief left."""

    def __init__(self, config: Config, store: Store, pages: Pages) -> None:
        self.config = config
        self.store = store
        self.pages = pages

    def people(self, _request: Request, visitor: Visitor) -> Response:
        """``/people``: who may use the desk, and as what."""
        return self._page(visitor)

    def add(self, _request: Request, visitor: Visitor, form: Form) -> Response:
        """``/people/add``: let somebody in, and show their link, this once."""
        role = _role(form)
        if role is None:
            return self._page(visitor, error="Choose a role.")
        try:
            name, link = letting.add(
                self.store, self.config, form.get("name", ""), role, visitor.name
            )
        except (HeadlineError, PeopleError) as error:
            return self._page(visitor, error=str(error), name=form.get("name", "")[:200])
        return self._page(visitor, name_of_link=name, link=link)

    def link(self, _request: Request, visitor: Visitor, form: Form) -> Response:
        """``/people/link``: another link, shown this once, for a password that was forgotten."""
        try:
            name, link = letting.link(self.store, self.config, form.get("name", ""), visitor.name)
        except UnknownNameError:
            return self._gone(visitor)
        return self._page(visitor, name_of_link=name, link=link)

    def set_role(self, _request: Request, visitor: Visitor, form: Form) -> Response:
        """``/people/role``: another role, from their next request on."""
        name, role = form.get("name", ""), _role(form)
        if role is None:
            return self._page(visitor, error="Choose a role.")
        if _themselves(name, visitor):
            return self._page(visitor, error="Your own role is changed by another chief.")
        try:
            letting.set_role(self.store, name, role, visitor.name)
        except UnknownNameError:
            return self._gone(visitor)
        return _see_people()

    def revoke(self, _request: Request, visitor: Visitor, form: Form) -> Response:
        """``/people/revoke``: in no more, and signed out at once."""
        name = form.get("name", "")
        if _themselves(name, visitor):
            return self._page(visitor, error="Another chief revokes you.")
        try:
            letting.revoke(self.store, name, visitor.name)
        except UnknownNameError:
            return self._gone(visitor)
        return _see_people()

    def _gone(self, visitor: Visitor) -> Response:
        return self._page(visitor, error="There is nobody of that name any more.")

    def _page(
        self,
        visitor: Visitor,
        *,
        error: str = "",
        name: str = "",
        name_of_link: str = "",
        link: str = "",
    ) -> Response:
        now, zone = clock.now(), newsroom_zone(self.config)
        with self.store.read() as conn:
            found = people.every(conn)
        listed = [
            {
                "person": each,
                "is_me": visitor.person is not None and each.key == visitor.person.key,
                "added": moment(each.added_at, zone, beside=now),
                "signed_in": each.signed_in_at and moment(each.signed_in_at, zone, beside=now),
                "revoked": each.revoked_at and moment(each.revoked_at, zone, beside=now),
            }
            for each in sorted(found, key=lambda each: (each.revoked_at is not None, each.key))
        ]
        return self.pages.answer(
            "people.html",
            visitor,
            422 if error else 200,
            people=listed,
            roles=ROLES,
            proxy=self.config.desk.header is not None,
            error=error,
            name=name,
            name_of_link=name_of_link,
            link=link,
        )


def _themselves(name: str, visitor: Visitor) -> bool:
    return people.key_of(name) == people.key_of(visitor.name)


def _role(form: Form) -> Role | None:
    return next((role for role in ROLES if role == form.get("role")), None)


def _see_people() -> Response:
    return RedirectResponse("/people", 303, {"cache-control": "no-store"})
