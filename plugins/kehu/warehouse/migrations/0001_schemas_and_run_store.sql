-- Schemas, the run store, the pointer that publishes a night, and the role BI tools read with.

create schema ops;
create schema raw_shop;
create schema staging;
create schema intermediate;
create schema ml_features;
create schema ml;
create schema store;
create schema marts;

comment on schema ops is 'Runs, stages, loads, quality results and quarantine: how each night went.';
comment on schema raw_shop is 'The shop''s files as they came, append-only, every value as text.';
comment on schema store is 'One partition per mart and run. Read marts.* instead.';
comment on schema marts is 'What BI tools read: views on the published run.';

create table ops.runs (
    run_id bigint generated always as identity primary key,
    as_of_date date not null,
    airflow_run_id text not null,
    status text not null default 'open'
        check (status in ('open', 'attached', 'published', 'retired')),
    opened_at timestamptz not null default now()
);

create table ops.stage_runs (
    run_id bigint not null references ops.runs,
    stage text not null,
    state text not null check (state in ('running', 'success', 'failed')),
    started_at timestamptz not null,
    finished_at timestamptz,
    rows_in bigint,
    rows_out bigint,
    quarantined bigint,
    error text,
    primary key (run_id, stage)
);

create table ops.loads (
    load_id bigint generated always as identity primary key,
    run_id bigint not null references ops.runs,
    source text not null,
    entity text not null,
    file_name text not null,
    file_date date not null,
    file_sha256 text not null,
    count_rows bigint not null,
    status text not null default 'landed' check (status in ('landed', 'accepted', 'rejected')),
    loaded_at timestamptz not null default now(),
    unique (source, entity, file_name, file_sha256)
);

create table ops.quarantine (
    load_id bigint not null references ops.loads,
    row_number integer not null,
    rule text not null,
    reason text not null,
    run_id bigint not null references ops.runs,
    quarantined_at timestamptz not null default now(),
    primary key (load_id, row_number, rule)
);
comment on table ops.quarantine is
    'Rows that staging leaves out: where they are and why. The values stay in the raw table only.';

create table ops.quality_results (
    run_id bigint not null references ops.runs,
    gate text not null,
    table_name text not null,
    expectation text not null,
    severity text not null check (severity in ('block', 'quarantine', 'warn')),
    is_passed boolean not null,
    count_evaluated bigint,
    count_unexpected bigint,
    error text,
    primary key (run_id, gate, table_name, expectation)
);

create table raw_shop.order_lines (
    _load_id bigint not null,
    _row_number integer not null,
    "InvoiceNo" text,
    "StockCode" text,
    "Description" text,
    "Quantity" text,
    "InvoiceDate" text,
    "UnitPrice" text,
    "CustomerID" text,
    "Country" text
);
create index order_lines_load_id on raw_shop.order_lines using brin (_load_id);

create table ml.fits (
    as_of_date date not null,
    model text not null,
    model_version text not null,
    method text not null,
    is_fallback boolean not null,
    note text not null,
    count_customers bigint not null,
    parameters jsonb not null,
    metrics jsonb not null,
    primary key (as_of_date, model)
);

create table ml.customer_segments (
    as_of_date date not null,
    customer_id text not null,
    recency_score integer not null,
    frequency_score integer not null,
    monetary_score integer not null,
    segment text not null,
    previous_segment text,
    model_version text not null,
    scored_at timestamptz not null,
    primary key (as_of_date, customer_id)
);

create table ml.customer_values (
    as_of_date date not null,
    customer_id text not null,
    horizon_days integer not null,
    expected_purchases double precision,
    probability_alive double precision,
    expected_order_value double precision,
    customer_value double precision,
    previous_customer_value double precision,
    value_method text not null,
    model_version text not null,
    scored_at timestamptz not null,
    primary key (as_of_date, customer_id)
);

create table ml.customer_churn (
    as_of_date date not null,
    customer_id text not null,
    horizon_days integer not null,
    churn_probability double precision,
    previous_churn_probability double precision,
    churn_method text not null,
    model_version text not null,
    scored_at timestamptz not null,
    primary key (as_of_date, customer_id)
);

create table store.current (
    is_current boolean primary key default true check (is_current),
    run_id bigint references ops.runs
);
insert into store.current default values;

create table store.publication_log (
    publication_id bigint generated always as identity primary key,
    run_id bigint not null references ops.runs,
    previous_run_id bigint,
    published_at timestamptz not null default now()
);

create view ops.published_run with (security_barrier) as
select
    runs.run_id,
    runs.as_of_date,
    runs.airflow_run_id,
    runs.opened_at
from ops.runs
where runs.run_id = (select pointer.run_id from store.current as pointer);

create view ops.published_stages with (security_barrier) as
select
    stage,
    state,
    started_at,
    finished_at,
    rows_in,
    rows_out,
    quarantined
from ops.stage_runs
where run_id = (select pointer.run_id from store.current as pointer);

create view ops.published_quality with (security_barrier) as
select
    gate,
    table_name,
    expectation,
    severity,
    is_passed,
    count_evaluated,
    count_unexpected
from ops.quality_results
where run_id = (select pointer.run_id from store.current as pointer);

-- Roles belong to the server, not to the database: another database of the same server may have made it.
do $$
begin
    if not exists (select from pg_roles where rolname = 'bi_reader') then
        create role bi_reader nologin;
    end if;
end
$$;
-- A reader who leaves a transaction open would hold up the publishing of a night.
alter role bi_reader set idle_in_transaction_session_timeout = '60s';
alter role bi_reader set statement_timeout = '15min';
alter role bi_reader set default_transaction_read_only = on;
do $$
begin
    execute format('revoke temporary on database %I from public', current_database());
    execute format('grant connect on database %I to bi_reader', current_database());
end
$$;
grant usage on schema marts, ops to bi_reader;
grant select on ops.published_run, ops.published_stages, ops.published_quality to bi_reader;
