"""Web hooks: one POST to an address that the operator configured."""

import pycurl

JSON, FORM = "application/json", "application/x-www-form-urlencoded"

HOOK_SECONDS = 10
"""Most seconds that a web hook may take."""


def post(url: str, body: bytes, user_agent: str, content_type: str = JSON) -> str:
    """POST *body* to *url*; why that failed, empty when the answer was a 2xx.

    The address is the operator's own and may be a private one, so it is not checked by
    ``net/ssrf.py``. Redirects are not followed (a POST would become a GET, RFC 9110 §15.4), and of
    the answer only the status counts.
    """
    curl = pycurl.Curl()
    try:
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.TIMEOUT, HOOK_SECONDS)
        curl.setopt(pycurl.USERAGENT, user_agent)
        curl.setopt(pycurl.POSTFIELDS, body)
        # Without "Expect: 100-continue", which costs a second at servers that do not know it.
        curl.setopt(pycurl.HTTPHEADER, [f"Content-Type: {content_type}", "Expect:"])
        curl.setopt(pycurl.WRITEFUNCTION, lambda _: None)
        try:
            curl.perform()
        except pycurl.error as error:
            # An answer that breaks off after a good status was taken all the same.
            if not 200 <= curl.getinfo(pycurl.RESPONSE_CODE) < 300:
                return f"{error.args[1]}; see that it answers, or correct it"
        status = curl.getinfo(pycurl.RESPONSE_CODE)
    finally:
        curl.close()
    if 200 <= status < 300:
        return ""
    return f"it answered {status}; see that it takes a POST of {content_type}, or correct it"
