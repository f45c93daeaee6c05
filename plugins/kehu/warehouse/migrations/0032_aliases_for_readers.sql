-- Who may read people's history may know which former ids are theirs; the identities themselves stay closed.
alter function identity.aliases(text[]) security definer;
alter function identity.aliases(text[]) set search_path = pg_catalog, pg_temp;
grant usage on schema identity to pii_reader;
grant execute on function identity.aliases(text[]) to pii_reader;
