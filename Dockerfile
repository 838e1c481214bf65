# The example service (examples/shop), as it would be deployed to Cloud Run.

FROM python:3.13-slim AS build
ENV UV_PROJECT_ENVIRONMENT=/venv UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir "uv>=0.8"
WORKDIR /src
COPY pyproject.toml uv.lock README.md LICENSE ./
# The requirements change less often than the code: a layer of their own.
RUN uv sync --frozen --no-default-groups --group serve --extra async --extra enqueue --extra firestore --no-install-project
COPY taskhandler taskhandler
RUN uv sync --frozen --no-default-groups --group serve --extra async --extra enqueue --extra firestore --no-editable

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin shop
COPY --from=build /venv /venv
WORKDIR /srv
COPY examples/shop examples/shop
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PORT=8080
USER 10001
# A JSON list, so that SIGTERM reaches gunicorn, which listens on $PORT of itself. Cloud Run kills ten seconds
# after SIGTERM: the workers have nine. How long a request may take is the queue's and Cloud Run's business.
CMD ["gunicorn", "--worker-class", "gthread", "--workers", "1", "--threads", "8", "--timeout", "0", "--graceful-timeout", "9", "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "examples.shop.app:app"]
