# The Python and Debian that the tests run on. Built in steps, so that pip, compilers' leftovers
# and the sources are not in the image that runs.
FROM python:3.11-slim-bookworm AS dependencies

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# What changes rarely: the dependencies, each of exactly the bytes that were tested.
COPY requirements/run.txt requirements/run.txt
RUN python -m venv --without-pip /opt/wirecopy \
 && pip --python /opt/wirecopy/bin/python install --no-cache-dir --require-hashes \
        --requirement requirements/run.txt


FROM dependencies AS build

COPY pyproject.toml README.md LICENSE ./
COPY wirecopy wirecopy
COPY net net
COPY stories stories
COPY ingest ingest
COPY publish publish
COPY workers workers
COPY desk desk
# Into a folder apart, as it will lie in the environment: a layer of its own, and a small one.
RUN pip install --no-cache-dir setuptools==80.9.0 \
 && pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && pip --python /opt/wirecopy/bin/python install --no-cache-dir --no-deps --root /own /wheels/*.whl


FROM python:3.11-slim-bookworm

# A user of its own, with a number that is not a user's of the machine around it.
RUN groupadd --gid 10001 wirecopy \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin wirecopy \
 && install --directory --owner wirecopy --group wirecopy --mode 0700 /data /keys
COPY --from=dependencies /opt/wirecopy /opt/wirecopy
COPY --from=build /own/opt/wirecopy /opt/wirecopy

ENV PATH=/opt/wirecopy/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WIRECOPY_CONFIG=/etc/wirecopy/wirecopy.toml \
    WIRECOPY_DATA=/data \
    WIRECOPY_SITE__LISTEN=0.0.0.0:8080

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080

HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=5)"]
ENTRYPOINT ["wirecopy"]
CMD ["up"]
