-- What was known of people is sealed under a key of each person's own (docs/decisions/0011).

create schema vault;
comment on schema vault is
    'Keys of people, each wrapped under a secret outside the database, and tonight''s golden records as they were sealed.';

create table vault.person_keys (
    customer_id text primary key,
    wrapped_key bytea not null,
    key_id text not null
);
comment on table vault.person_keys is
    'One AES-256 key per person, wrapped (RFC 3394). Without its row all that was sealed under it is lost: that is erasure.';
comment on column vault.person_keys.key_id is 'Which secret of the installation wrapped it.';

-- In no write-ahead log and no copy of the server's files: values in clear text stay where the golden record is.
create unlogged table vault.sealed_records (
    customer_id text primary key,
    clear jsonb not null,
    sealed jsonb not null
);
-- Statistics quote values, and are logged.
alter table vault.sealed_records alter column clear set statistics 0, alter column sealed set statistics 0;
comment on table vault.sealed_records is
    'Tonight''s personal fields and what they were sealed to, so that a night seals only what changed. Made anew when empty.';

alter table history.customers add column sealed jsonb;
comment on column history.customers.sealed is
    'The personal fields, each sealed under the person''s key; null in rows from before, which the next night seals.';
comment on table history.customers is
    'The fields of each customer''s golden record that can change; personal ones masked, and whole in `sealed`.';

grant usage on schema vault to ml, pii_reader;
grant select, insert, update on vault.person_keys to ml;
grant select, insert, update, delete on vault.sealed_records to ml;
-- Who reads clear text may open what is sealed, if they have the secret too, and leaves a note of it.
grant select on vault.person_keys to pii_reader;
grant insert on ops.disclosures to pii_reader;
