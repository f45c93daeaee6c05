"""The only room that imports Airflow: tasks, stage recording, dbt in process, the in-process night."""
