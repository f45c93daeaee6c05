# One image for every Airflow component and for migrations; it runs as a user without rights.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    UV_PYTHON_DOWNLOADS=never \
    AIRFLOW_HOME=/opt/airflow \
    KEHU_HOME=/var/lib/kehu \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/kehu/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/kehu/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES=permanent_code,open_user_id,sqlalchemy_url \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False \
    DO_NOT_TRACK=1 \
    SCARF_ANALYTICS=false \
    GX_ANALYTICS_ENABLED=false \
    PYTHONPATH=/opt/kehu:/opt/kehu/plugins

RUN useradd --uid 50000 --create-home kehu \
    && mkdir -p /opt/airflow/logs /var/lib/kehu \
    && chown -R kehu:kehu /opt/airflow /var/lib/kehu

WORKDIR /opt/kehu
# lineage adds OpenLineage's provider to what a night needs (docs/lineage.md).
ARG KEHU_REQUIREMENTS=runtime
COPY requirements/bootstrap.txt requirements/${KEHU_REQUIREMENTS}.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
    && uv pip install --system --no-cache --compile-bytecode --require-hashes -r requirements/${KEHU_REQUIREMENTS}.txt

COPY dags/ dags/
COPY plugins/ plugins/
COPY ml/ ml/
COPY expectations/ expectations/
COPY dbt_project/ dbt_project/
COPY sample/ sample/
COPY sources.yml ./
COPY deploy/ deploy/
COPY pyproject.toml ./
# Tells Airflow of the connection types; the packages themselves lie on PYTHONPATH.
RUN uv pip install --system --no-cache --no-deps --no-build-isolation --no-index .

USER kehu
ENTRYPOINT ["python", "/opt/kehu/deploy/entrypoint.py"]
CMD ["airflow", "version"]
