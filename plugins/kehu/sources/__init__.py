"""One module per source. Each lands files or pages in its `raw_<source>` schema and knows nothing of Airflow."""
