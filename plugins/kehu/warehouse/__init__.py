"""Everything that talks to PostgreSQL: connections, bulk tables, migrations, the run store, quarantine and publishing."""
