-- For analysts and BI tools: what dbt knew of each kept run, keys and relations of the marts, the role that builds sandboxes.

create table ops.manifests (
    run_id bigint primary key references ops.runs,
    manifest text not null,
    parameters jsonb not null
);
comment on table ops.manifests is
    'dbt''s manifest of each run that is kept, and the business parameters of its project: what sandboxes compare with.';

create table ops.mart_keys (
    run_id bigint not null references ops.manifests on delete cascade,
    mart text not null,
    position integer not null,
    column_name text not null,
    primary key (run_id, mart, position)
);
comment on table ops.mart_keys is 'The columns of each mart''s primary key, as its contract says.';

create table ops.mart_relations (
    run_id bigint not null references ops.manifests on delete cascade,
    mart text not null,
    column_name text not null,
    to_mart text not null,
    to_column text not null,
    primary key (run_id, mart, column_name, to_mart, to_column)
);
comment on table ops.mart_relations is 'Which column of a mart refers to which of another, as tested each night.';

create view ops.published_keys with (security_barrier) as
select
    mart,
    position,
    column_name
from ops.mart_keys
where run_id = (select pointer.run_id from store.current as pointer);
comment on view ops.published_keys is
    'Primary keys of the published marts, one row per column: views cannot carry keys of their own.';

create view ops.published_relations with (security_barrier) as
select
    mart,
    column_name,
    to_mart,
    to_column
from ops.mart_relations
where run_id = (select pointer.run_id from store.current as pointer);
comment on view ops.published_relations is
    'Foreign keys of the published marts, each tested every night: views cannot carry keys of their own.';

grant select on ops.published_keys, ops.published_relations to bi_reader;

-- Builds analysts' sandboxes: reads every layer, writes nothing but schemas that it made itself.
do $$
declare
    layer text;
begin
    if not exists (select from pg_roles where rolname = 'sandbox_builder') then
        create role sandbox_builder nologin;
    end if;
    -- dbt's unit tests make temporary tables.
    execute format('grant connect, create, temporary on database %I to sandbox_builder', current_database());
    for layer in
        select nspname from pg_namespace
        where
            nspname in ('staging', 'intermediate', 'ml_features', 'ml', 'identity', 'history', 'marts')
            or nspname like 'raw\_%'
    loop
        execute format('grant usage on schema %I to sandbox_builder', layer);
        execute format('grant select on all tables in schema %I to sandbox_builder', layer);
        execute format('alter default privileges in schema %I grant select on tables to sandbox_builder', layer);
    end loop;
end
$$;
grant usage on schema ops to sandbox_builder;
grant select on ops.runs, ops.published_run, ops.manifests to sandbox_builder;
grant select on ops.loads, ops.quarantine, ops.source_entities, ops.entity_runs to sandbox_builder;
