"""One machine without containers: embedded PostgreSQL, Airflow's processes, the terminal's progress."""
