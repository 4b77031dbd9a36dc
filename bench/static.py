"""A static file server as one would write it in Python: Starlette's StaticFiles, on granian.

``granian --interface asgi bench.static:app`` serves the folder named by BENCH_FOLDER.
"""

import os

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

app = Starlette(
    routes=[Mount("/feeds", StaticFiles(directory=os.environ.get("BENCH_FOLDER", ".")))]
)
