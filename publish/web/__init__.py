"""Our own site: feeds, pages and the operator's addresses, as one ASGI application."""
