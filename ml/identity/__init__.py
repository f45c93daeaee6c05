"""Who is the same customer: normalised records, links with evidence, stable ids."""
