-- Any number of sources: loads of records beside loads of files, their state, their counts, and shared access tokens.

alter table ops.loads alter column file_name drop not null;
alter table ops.loads alter column file_date drop not null;
alter table ops.loads alter column file_sha256 drop not null;
alter table ops.loads add column as_of_date date;
update ops.loads set as_of_date = file_date;
alter table ops.loads alter column as_of_date set not null;
alter table ops.loads add column file_stamp text;
alter table ops.loads add column state jsonb;
alter table ops.loads add column count_read bigint;
alter table ops.loads add column count_live bigint;
alter table ops.loads add column count_source bigint;
create index loads_entity on ops.loads (source, entity, load_id);
comment on column ops.loads.as_of_date is 'The day that tells when the load''s rows became known.';
comment on column ops.loads.file_stamp is
    'Size and time (or tag) of the file where it lay: a file that still has them is not read again.';
comment on column ops.loads.state is 'Where the next reading of this entity goes on; kept with the rows it belongs to.';
comment on column ops.loads.count_read is 'Rows the source sent; count_rows of them were new and landed.';
comment on column ops.loads.count_live is 'Records that live in the warehouse after this load.';
comment on column ops.loads.count_source is 'Records that live in the source by its own count, where it tells.';

create table ops.source_entities (
    source text not null,
    entity text not null,
    table_name text not null,
    kind text not null,
    max_age_days integer,
    is_required boolean not null,
    primary key (source, entity)
);
comment on table ops.source_entities is 'The configured entities; the newest run''s configuration.';

create table ops.entity_runs (
    run_id bigint not null references ops.runs,
    source text not null,
    entity text not null,
    rows_read bigint,
    rows_landed bigint,
    error text,
    primary key (run_id, source, entity)
);
comment on table ops.entity_runs is 'How reading each entity went in each run; error is one line without values.';

create table ops.access_tokens (
    name text primary key,
    sealed bytea not null,
    expires_at timestamptz not null,
    minted_at timestamptz not null default clock_timestamp()
);
comment on table ops.access_tokens is
    'Access tokens that all tasks share, encrypted with a key that is derived from the connection''s secrets.';

create table ops.api_calls (
    source text not null,
    call_date date not null,
    count_calls bigint not null,
    primary key (source, call_date)
);
comment on table ops.api_calls is 'Calls made per source and UTC day, to stay within a daily quota.';
