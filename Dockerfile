# One image for every role of the full profile (see docker-compose.yml), and its proxy.

# The images that these are made of; .env pins them by digest (docs/runbook.md).
ARG PYTHON_IMAGE=python:3.13-slim
ARG NGINX_IMAGE=nginx:1.28-alpine

FROM ${PYTHON_IMAGE} AS packages
COPY requirements.txt /
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --no-deps -r /requirements.txt

FROM ${PYTHON_IMAGE} AS app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GATEWAY_ENV=production \
    DATA_DIR=/var/lib/gateway \
    STATIC_ROOT=/srv/static \
    HOST=0.0.0.0 \
    PORT=8000
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin gateway \
    && install -d -o gateway /var/lib/gateway /var/backups/gateway
WORKDIR /app
COPY --from=packages /venv /venv
COPY manage.py ./
COPY deploy/healthcheck.py deploy/granian-logging.json deploy/
COPY templates templates
COPY static static
COPY locale locale
COPY core core
COPY gateway_arq gateway_arq
COPY webcom webcom
COPY webtv webtv
COPY centralino centralino
COPY ocr ocr
COPY lotto lotto
# Nothing of this environment stays in the image: collecting files requires a key, and uses none.
RUN GATEWAY_ENV=development SECRET_KEY=collectstatic python manage.py collectstatic --noinput --verbosity 0 \
    && python -m compileall -q .
USER gateway
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "4", "--backlog", "1024", "--http1-header-read-timeout", "10000", \
     "--respawn-failed-workers", "--log-config", "deploy/granian-logging.json", "gateway_arq.wsgi:application"]

FROM ${NGINX_IMAGE} AS proxy
COPY deploy/nginx.conf /etc/nginx/nginx.conf
COPY --chmod=755 deploy/resolver.sh /docker-entrypoint.d/30-resolver.sh
COPY --chmod=755 deploy/log-format.sh /docker-entrypoint.d/31-log-format.sh
COPY --chmod=755 deploy/balancer.sh /docker-entrypoint.d/32-balancer.sh
COPY --from=app /srv/static /srv/static
HEALTHCHECK --interval=15s --timeout=3s --retries=3 \
    CMD wget -q -O /dev/null http://127.0.0.1:8080/proxy-alive || exit 1
