-- Each stage of the night works under a role of its own, which may do what the stage needs and no more (docs/security.md).

do $$
declare
    role text;
begin
    foreach role in array array['loader', 'transformer', 'ml', 'publisher', 'analyst', 'night'] loop
        if not exists (select from pg_roles where rolname = role) then
            execute format('create role %I nologin', role);
        end if;
    end loop;
    foreach role in array array[
        'loader', 'transformer', 'ml', 'publisher', 'analyst', 'bi_reader', 'pii_reader', 'sandbox_builder',
        'contact_exporter', 'night'
    ] loop
        execute format('alter role %I noinherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls', role);
    end loop;
    execute format('revoke create, temporary on database %I from public', current_database());
    execute format('grant connect on database %I to analyst', current_database());
    execute format('grant create, temporary on database %I to loader, transformer', current_database());
    execute format('grant temporary on database %I to ml, publisher', current_database());
end
$$;
-- Who runs nights has no right but to take on one of these roles.
grant loader, transformer, ml, publisher, bi_reader to night;
revoke create on schema public from public;
alter role analyst set idle_in_transaction_session_timeout = '60s';
alter role analyst set statement_timeout = '15min';
alter role analyst set default_transaction_read_only = on;
alter role pii_reader set idle_in_transaction_session_timeout = '60s';
alter role pii_reader set statement_timeout = '15min';
alter role pii_reader set default_transaction_read_only = on;

-- Anybody may make large objects and hold advisory locks in PostgreSQL; the night's own locks are such.
do $$
declare
    routine regprocedure;
begin
    for routine in
        select oid::regprocedure from pg_proc
        where
            pronamespace = 'pg_catalog'::regnamespace
            and (proname ~ '^pg_(try_)?advisory_' or proname ~ '^lo_' or proname in ('loread', 'lowrite'))
    loop
        execute format('revoke execute on function %s from public', routine);
        if routine::text ~ 'advisory' then
            execute format('grant execute on function %s to loader, transformer, ml, publisher', routine);
        end if;
    end loop;
end
$$;

create function ops.hand_over(space text, heir text) returns void language plpgsql
set search_path = pg_catalog, pg_temp as $$
declare
    relation record;
begin
    execute format('alter schema %I owner to %I', space, heir);
    for relation in
        select relname, case relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as kind
        from pg_class
        where
            relnamespace = (select oid from pg_namespace where nspname = space)
            and relkind in ('r', 'p', 'v', 'm')
            and pg_get_userbyid(relowner) <> heir
    loop
        execute format('alter %s %I.%I owner to %I', relation.kind, space, relation.relname, heir);
    end loop;
end
$$;
comment on function ops.hand_over(text, text) is 'Makes a role the owner of a schema and of all tables and views in it.';

-- What dbt built belongs to the transformer; whoever attaches a table to the store has to own it.
create function ops.take_over(run bigint) returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    perform from ops.runs where run_id = run and status <> 'retired';
    if not found then
        raise exception 'there is no run % to take over', run;
    end if;
    if exists (select from pg_namespace where nspname = format('run_%s', run)) then
        perform ops.hand_over(format('run_%s', run), 'publisher');
    end if;
end
$$;
comment on function ops.take_over(bigint) is 'Makes the publisher the owner of the schema that a run built.';
revoke execute on function ops.hand_over(text, text), ops.take_over(bigint) from public;
grant execute on function ops.take_over(bigint) to publisher;
revoke execute on function ml.only_added(), identity.as_of(date) from public;

do $$
declare
    space text;
    run record;
begin
    foreach space in array array['staging', 'intermediate', 'ml_features', 'kept'] loop
        perform ops.hand_over(space, 'transformer');
    end loop;
    foreach space in array array['store', 'marts'] loop
        perform ops.hand_over(space, 'publisher');
    end loop;
    for space in select nspname from pg_namespace where nspname like 'raw\_%' loop
        perform ops.hand_over(space, 'loader');
        execute format('grant usage on schema %I to transformer', space);
        execute format('grant select on all tables in schema %I to transformer', space);
        execute format(
            'alter default privileges for role loader in schema %I grant select on tables to transformer, sandbox_builder',
            space
        );
    end loop;
    for run in
        select runs.status, namespaces.nspname
        from ops.runs as runs
        inner join pg_namespace as namespaces on namespaces.nspname = format('run_%s', runs.run_id)
    loop
        perform ops.hand_over(run.nspname, case when run.status = 'open' then 'transformer' else 'publisher' end);
        execute format('grant usage on schema %I to ml', run.nspname);
        execute format('grant select on all tables in schema %I to ml', run.nspname);
    end loop;
end
$$;

-- All stages: the book of runs and stages, and which night is published.
grant usage on schema ops to loader, transformer, ml, publisher, analyst;
grant select on ops.runs, ops.published_run to loader, transformer, ml, publisher;
grant select, insert, update on ops.stage_runs to loader, transformer, ml, publisher;

-- Landing and the raw gate.
grant insert on ops.runs to loader;
grant select, insert, update on ops.loads, ops.profiles to loader;
grant usage on sequence ops.loads_load_id_seq to loader;
grant select, insert, update, delete on ops.quarantine, ops.quality_results, ops.source_entities, ops.entity_runs to loader;
grant select, insert, update on ops.access_tokens, ops.api_calls to loader;
grant select on ops.waivers, ops.replays, ops.suppressed_keys to loader;

-- dbt.
grant select on
ops.loads, ops.quarantine, ops.source_entities, ops.entity_runs, ops.decision_journal, ops.quality_results, ops.run_stages
to transformer;
grant select, insert, update on ops.model_states to transformer;
grant select, insert on ops.changed_keys, ops.mart_keys, ops.mart_relations to transformer;
grant select, insert, delete on ops.manifests to transformer;
grant usage on schema identity, history, ml to transformer;
grant select on all tables in schema identity, history, ml to transformer;
alter default privileges in schema identity, history, ml grant select on tables to transformer;

-- Identity, scores, models, tags, lists.
grant usage on schema identity, history, ml, staging, intermediate, ml_features, marts to ml;
grant select, insert, update, delete on all tables in schema identity, history, ml to ml;
revoke update, delete on ml.models, ml.model_events from ml;
alter default privileges in schema identity, history, ml grant select, insert, update, delete on tables to ml;
grant execute on function identity.as_of(date) to ml, transformer, sandbox_builder;
grant select on all tables in schema staging, intermediate, ml_features, kept, marts to ml;
alter default privileges for role transformer grant usage on schemas to ml;
alter default privileges for role transformer grant select on tables to ml;

-- The store, the pointer, the score gate, and what goes with a run that is not kept.
grant update on ops.runs to publisher;
grant select, insert, delete on ops.quality_results to publisher;
grant select on ops.night_waivers, ops.model_states to publisher;
grant select, delete on ops.manifests, ops.changed_keys to publisher;
grant usage on schema kept, ml_features to publisher;
grant select, delete on all tables in schema kept to publisher;
grant select on all tables in schema ml_features to publisher;
alter default privileges for role transformer in schema kept grant select, delete on tables to publisher;
-- Also where the owner builds by hand: the views of a run read these tables with the publisher's rights once it is attached.
alter default privileges in schema kept grant select, delete on tables to publisher;
alter default privileges for role transformer in schema ml_features grant select on tables to publisher, analyst;

-- Readers of what stages make from now on.
alter default privileges for role transformer in schema staging, intermediate, ml_features, kept
grant select on tables to sandbox_builder;
alter default privileges for role publisher in schema marts grant select on tables to sandbox_builder, ml;
grant usage on schema marts, ml_features to analyst;
grant select on all tables in schema marts, ml_features to analyst;
grant select on
ops.published_run, ops.published_stages, ops.published_quality, ops.published_identity, ops.published_identity_findings,
ops.published_keys, ops.published_relations, ops.gate_nights, ops.run_stages
to analyst;

-- PostgreSQL 17 and newer let others than owners collect a table's statistics; older ones leave that to autovacuum.
do $$
begin
    if current_setting('server_version_num')::int >= 170000 then
        grant maintain on ops.loads, ops.quarantine to loader;
        grant maintain on ops.changed_keys to transformer;
        grant maintain on all tables in schema identity, history to ml;
        alter default privileges in schema identity, history grant maintain on tables to ml;
    end if;
end
$$;
