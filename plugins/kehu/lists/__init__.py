"""Lists for action: the registry that analysts edit, who is on which list on a night, and handing lists out."""
