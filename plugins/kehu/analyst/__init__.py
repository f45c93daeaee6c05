"""Tools for those who change models: a sandbox, what a change does to rows and columns, the dbt docs."""
