"""The customer warehouse: sources, warehouse, report, the local machine, and the Airflow room that wires them."""
