"""Customer tags: the registry that analysts edit, and who has which tag on a night."""
