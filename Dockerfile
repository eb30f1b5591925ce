# syntax=docker/dockerfile:1
# One image for `serve` and `work`. For a build that can be repeated to the bit, name the base by its digest:
#   docker build --build-arg PYTHON_IMAGE=python:3.13-slim-trixie@sha256:… .
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
SHELL ["/bin/sh", "-eu", "-c"]
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /opt/build

# What builds, apart from what runs.
COPY requirements-build.txt ./
RUN python -m venv /opt/tools && \
    /opt/tools/bin/pip install --quiet --require-hashes -r requirements-build.txt

# What runs, from the lock and nothing else; changes seldom, so it is a layer of its own. Tests of packages, what
# only compilers read, and what botocore knows of services that nothing here asks stay out.
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/uv \
    python -m venv --without-pip /opt/vehicle-anomaly && \
    /opt/tools/bin/uv pip install --quiet --python /opt/vehicle-anomaly/bin/python --require-hashes -r requirements.txt && \
    find /opt/vehicle-anomaly/lib -type d -name tests -prune -exec rm -r {} + && \
    find /opt/vehicle-anomaly/lib -type f "(" -name "*.c" -o -name "*.pyx" -o -name "*.pxd" ")" -delete && \
    find /opt/vehicle-anomaly/lib/python3*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d \
    ! -name s3 ! -name sqs ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -r {} +

# The service itself, as a wheel: no source tree, nothing editable.
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN --mount=type=cache,target=/root/.cache/uv \
    /opt/tools/bin/python -m hatchling build --target wheel --directory /opt/build/dist && \
    /opt/tools/bin/uv pip install --quiet --python /opt/vehicle-anomaly/bin/python --no-deps /opt/build/dist/*.whl

# Nothing may write in the image when it runs, so all is compiled here: Python's bytecode, good whatever becomes
# of time stamps, and numba's kernels, for any processor that has what CPU_NAME says.
ARG CPU_NAME=generic
ENV NUMBA_CPU_NAME=${CPU_NAME} \
    NUMBA_CACHE_DIR=/opt/vehicle-anomaly/kernels
RUN /opt/vehicle-anomaly/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/vehicle-anomaly/lib && \
    /opt/vehicle-anomaly/bin/vehicle-anomaly warm-up && \
    mkdir /opt/models

FROM ${PYTHON_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="vehicle-anomaly" \
      org.opencontainers.image.description="Learns what normal vehicle telemetry looks like and says, for each new reading, whether something is wrong." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"

ARG CPU_NAME=generic
ENV PATH=/opt/vehicle-anomaly/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NUMBA_CPU_NAME=${CPU_NAME} \
    NUMBA_CACHE_DIR=/opt/vehicle-anomaly/kernels \
    NUMBA_CACHE_LOCATOR_CLASSES=vehicle_anomaly.shipped_kernels.ShippedKernels \
    HOST=0.0.0.0 \
    AUTH=on \
    PORT=8000 \
    MODEL_ARTIFACT_DIR=/opt/models

COPY --from=build /opt/vehicle-anomaly /opt/vehicle-anomaly
COPY --from=build --chown=10001:10001 /opt/models /opt/models

# A number, so that an orchestrator can see that it is not root. The root file system may be read-only: then give
# /tmp a volume, and /opt/models one too where models are kept in a folder.
USER 10001:10001
WORKDIR /tmp
VOLUME ["/tmp"]
EXPOSE 8000
STOPSIGNAL SIGTERM

# ECS asks in its own way; `work` answers no HTTP, so who runs it turns this off.
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=2)"]

ENTRYPOINT ["vehicle-anomaly"]
CMD ["serve"]
