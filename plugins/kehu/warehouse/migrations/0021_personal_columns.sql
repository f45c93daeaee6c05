-- Personal columns: BI tools see them masked in `marts`, members of pii_reader in clear text in `pii`.

create schema pii;
comment on schema pii is
    'Marts that have personal columns, in clear text, of the published run. Everybody else reads marts.*, where they are masked.';
grant usage on schema pii to pii_reader;
-- A list with contact data brings names, numbers and addresses; nothing else of the schema is theirs.
grant usage on schema pii to contact_exporter;

-- The publisher makes its views, like those of marts.
select ops.hand_over('pii', 'publisher');

create table ops.mart_personal (
    run_id bigint not null references ops.manifests on delete cascade,
    mart text not null,
    column_name text not null,
    kind text not null,
    primary key (run_id, mart, column_name)
);
comment on table ops.mart_personal is
    'The personal columns of each mart and what they hold, as the meta of its contract says: how views mask them.';

create view ops.published_personal with (security_barrier) as
select
    mart,
    column_name,
    kind
from ops.mart_personal
where run_id = (select pointer.run_id from store.current as pointer);
comment on view ops.published_personal is
    'The personal columns of the published marts; docs/privacy.md says how each kind is masked.';
grant select on ops.published_personal to bi_reader, analyst, pii_reader;
grant usage on schema ops to pii_reader;
-- dbt's run tells them, publishing reads them; a run that is retired takes them along.
grant select, insert on ops.mart_personal to transformer;
grant select on ops.mart_personal to publisher;
