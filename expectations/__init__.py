"""Quality gates on Great Expectations: suites as reviewable Python, one per table; no Airflow."""
