"""The desk in the browser: acts are done by the forms of its pages, each by a person of its own."""

import http.client
import threading
from collections import Counter
from urllib.parse import urlencode, urlsplit

from lxml import html

NAMED_IN = "X-Remote-User"
"""The header by which a proxy says who has signed in."""

PATIENCE = 30.0


Form = tuple[str, dict[str, str]]
"""Where it is sent to, and what."""


class UnknownError(Exception):
    """Whether it was done cannot be known: no answer came, or one that it cannot be known."""


class Browser:
    """Somebody with the desk at *url* before them; *sending* is set while a form is sent."""

    def __init__(self, url: str, sending: threading.Event) -> None:
        self._sending = sending
        self._host = urlsplit(url).netloc
        self._cookie = ""
        self.answers: Counter[int] = Counter()
        self.broken_off = 0

    def filled_in(self, by: str, story: str, name: str, **fields: str) -> Form | None:
        """The form *name* of the page of *story*, filled in; None where there is none, as others
        were here.

        :raises OSError, http.client.HTTPException: when there is no page just now.
        """
        action = f"/stories/{story}/{name}"
        # What cannot be taken back has a page of its own.
        status, page = self._ask(by, "GET", action if name == "kill" else f"/stories/{story}")
        if status != 200:
            raise http.client.HTTPException(f"the page of a story: status {status}")
        forms = html.document_fromstring(page.decode()).forms  # type: ignore[attr-defined]
        form = next((each for each in forms if each.get("action") == action), None)
        if form is None:
            return None
        return action, {key: value or "" for key, value in form.form_values()} | fields

    def send(self, by: str, form: Form | None) -> bool:
        """Send *form*; whether it was done.

        :raises UnknownError: when there was no word of it.
        """
        if form is None:
            return False
        action, fields = form
        self._sending.set()
        try:
            status, _ = self._ask(by, "POST", action, urlencode(fields))
        except (OSError, http.client.HTTPException) as error:
            self.broken_off += not isinstance(error, ConnectionRefusedError)
            raise UnknownError(f"{type(error).__name__} to a form") from error
        finally:
            self._sending.clear()
        if status >= 500:
            raise UnknownError(f"status {status} to a form")
        self.answers[status] += 1
        return status == 303

    def _ask(self, by: str, how: str, path: str, form: str | None = None) -> tuple[int, bytes]:
        headers = {NAMED_IN: by, "Cookie": self._cookie}
        if form is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"http://{self._host}",
            }
        connection = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        try:
            connection.request(how, path, form, headers)
            answer = connection.getresponse()
            if given := answer.getheader("Set-Cookie"):
                self._cookie = given.partition(";")[0]
            return answer.status, answer.read()
        finally:
            connection.close()
