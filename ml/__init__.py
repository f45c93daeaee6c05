"""Models in Python: one folder per question a business asks. Frames in, frames out; no Airflow."""
