"""What is sent to us by POST: its body, within bounds, and how it is refused."""

import asyncio
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response


class RefusedError(Exception):
    """What was sent is not taken; *status* and the text say so, in ``response``."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.response = plain(status, text, headers)


def plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of one line for who sends, which nobody keeps."""
    every = {**(headers or {}), "cache-control": "no-store"}
    return Response(f"{text}\n", status, every, "text/plain")


def later() -> RefusedError:
    """What cannot be stored now is to be sent again."""
    text = "it cannot be stored now; send it again"
    return RefusedError(503, text, {"retry-after": "10"})


async def body_of(request: Request, most: int, seconds: float) -> bytes:
    """The body of *request*, of at most *most* bytes, which has so many *seconds* to come.

    :raises RefusedError: when it is larger, slower, coded, or breaks off.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        text = "send the body as it is, in no coding"
        raise RefusedError(415, text, {"accept-encoding": "identity"})
    found = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                found += piece
                if len(found) > most:
                    raise RefusedError(413, f"more than {most:,} bytes")
    except TimeoutError as error:
        raise RefusedError(408, "the body came too slowly") from error
    except ClientDisconnect as error:
        raise RefusedError(400, "the body broke off") from error
    return bytes(found)
