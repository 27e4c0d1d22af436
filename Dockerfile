# Production image: the app without its pretend world, its tests and its development servers.
ARG PYTHON_VERSION=3.12

FROM python:${PYTHON_VERSION}-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock /build/requirements.lock
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --require-hashes -r /build/requirements.lock

FROM python:${PYTHON_VERSION}-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    DJANGO_SETTINGS_MODULE=salestio.settings \
    SALESTIO_MODE=production \
    SALESTIO_DATA_DIR=/data \
    SALESTIO_STATIC_ROOT=/app/static-collected
RUN groupadd --system --gid 10001 salestio \
    && useradd --system --uid 10001 --gid salestio --home-dir /app --shell /usr/sbin/nologin salestio \
    && install -d -o salestio -g salestio -m 0750 /data
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY manage.py LICENSE THIRD_PARTY.md ./
COPY salestio salestio
COPY accounts accounts
COPY orders orders
COPY inventory inventory
COPY listings listings
COPY profiles profiles
COPY notifications notifications
COPY connectors connectors
COPY templates templates
# Neither the sandbox nor what stands behind ./run belongs in production. collectstatic needs settings, but no secrets
# of a real installation: these values live for one build step and are in no layer's environment.
RUN rm -rf connectors/sandbox salestio/launch salestio/launcher.py salestio/devservices.py \
    && SALESTIO_MODE=production \
       SECRET_KEY=build-step-only-build-step-only-build-step-only-build-step-only \
       SALESTIO_CREDENTIAL_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
       SALESTIO_SEARCH_KEY=build-step-only \
       SALESTIO_WEB_URL=https://build.invalid \
       DATABASE_URL=postgresql://salestio_app:none@build.invalid/salestio \
       REDIS_URL=redis://build.invalid/0 \
       python manage.py collectstatic --no-input \
    && python -m compileall -q manage.py salestio accounts orders inventory listings profiles notifications connectors
USER salestio
VOLUME /data
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "16", "--no-ws", "--respawn-failed-workers", "--log-level", "warning", "salestio.wsgi:application"]
