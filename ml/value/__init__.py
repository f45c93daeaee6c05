"""Customer value: expected purchases and their worth over a horizon."""
