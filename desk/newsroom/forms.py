"""What is sent with a form: fields by name, within bounds."""

import re
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from publish.web.sent import RefusedError, body_of

LARGEST = 64 * 1024
"""Bytes of a form; a headline and a reason have less than two thousand."""

FIELDS = 50

SECONDS = 10.0
"""In which a form has to come."""

TYPE = "application/x-www-form-urlencoded"

Form = dict[str, str]

_OURS = re.compile(r"/(?!/)[!-\[\]-~]*", re.ASCII)


async def form_of(request: Request) -> Form:
    """The fields that *request* sends; of several of one name the last.

    :raises HTTPException: when it is no form, or too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != TYPE:
        raise HTTPException(415, f"Send a form, {TYPE}.")
    try:
        sent = await body_of(request, LARGEST, SECONDS)
        fields = parse_qsl(
            sent.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS
        )
    except RefusedError as refused:
        raise HTTPException(refused.status, f"The form was not taken: {refused}.") from refused
    except ValueError as error:
        raise HTTPException(400, "The form cannot be read.") from error
    return {name: value.replace("\0", "") for name, value in fields}


def back(form: Form, otherwise: str) -> str:
    """The page of ours that *form* names to go back to, else another: never one of elsewhere."""
    wanted = form.get("back", "")
    return wanted if len(wanted) <= 2000 and _OURS.fullmatch(wanted) else otherwise


def number(form: Form, name: str) -> int | None:
    """The whole number in the field *name*; None where there is none.

    :raises HTTPException: when something else stands there.
    """
    text = form.get(name, "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise HTTPException(400, f"The field {name} is no number; load the page again.")
    return int(text)
