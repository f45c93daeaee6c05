-- Large models are kept from night to night: a night works out what its changes touch, and writes what differs.

create schema kept;
comment on schema kept is
    'Rows of large marts, each stored once with the runs it belongs to. Read marts.* instead.';

create table ops.model_states (
    model text primary key,
    code_version text not null,
    run_id bigint not null references ops.runs,
    consumed bigint not null
);
comment on table ops.model_states is
    'What each kept model''s rows were made with: the code, the run, and how much of ops.changed_keys they know.';

create table ops.changed_keys (
    seq bigint generated always as identity primary key,
    run_id bigint not null references ops.runs,
    entity text not null,
    key text
);
create index changed_keys_entity on ops.changed_keys (entity, seq);
comment on table ops.changed_keys is
    'What kept models changed, by entity and key, for the models that read them. Key null: everything.';

-- Analysts' docs and sandboxes ask what a kept model knows.
grant usage on schema kept to sandbox_builder;
grant select on ops.model_states, ops.changed_keys to sandbox_builder;
alter default privileges in schema kept grant select on tables to sandbox_builder;
