"""Everything that talks to PostgreSQL: bulk tables, migrations, the run store, quarantine and publishing."""
