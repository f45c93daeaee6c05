-- The model registry: what was trained, on what, how good it is; and what became of it. Both are only added to.

create table ml.models (
    question text not null,
    model_version text not null,
    as_of_date date not null,
    code_version text not null,
    code_hash text not null,
    libraries text not null,
    data_hash text not null,
    data_from date,
    data_to date,
    count_rows integer not null,
    horizon_days integer not null,
    method text not null,
    is_fallback boolean not null,
    note text not null,
    parameters jsonb not null,
    metrics jsonb not null,
    calibration jsonb not null,
    reference jsonb not null,
    content bytea not null,
    sha256 text not null,
    run_id bigint,
    created_at timestamptz not null default now(),
    primary key (question, model_version),
    check (sha256 = encode(sha256(content), 'hex'))
);
comment on table ml.models is 'Each model that was trained: data window, hashes of code, data and file, measures, and the skops file itself.';
comment on column ml.models.as_of_date is 'The night whose features it learned from: it knows nothing later.';
comment on column ml.models.code_version is 'A model scores only with the code version it was trained with.';
comment on column ml.models.libraries is 'The library that made the file; another version of it does not read the file.';
comment on column ml.models.horizon_days is 'Length of the label windows.';
comment on column ml.models.calibration is 'Points of the calibration plot: mean prediction, observed mean, rows; out of time.';
comment on column ml.models.reference is 'Histogram of each input of the training rows; drift is measured against it.';

create table ml.model_events (
    event_id bigint generated always as identity primary key,
    question text not null,
    model_version text,
    event text not null check (event in ('promoted', 'rejected', 'retired', 'failed')),
    as_of_date date not null,
    valid_from date not null,
    reasons text[] not null,
    run_id bigint,
    created_at timestamptz not null default now(),
    foreign key (question, model_version) references ml.models,
    check (event = 'failed' or model_version is not null)
);
create index model_events_question on ml.model_events (question, valid_from, event_id);
comment on table ml.model_events is 'What became of models: who scores from which night on, who was rejected and why, which training failed.';
comment on column ml.model_events.valid_from is 'The first night that goes by it.';

create function ml.only_added() returns trigger language plpgsql as $$
begin
    raise exception '% is only added to', tg_table_schema || '.' || tg_table_name;
end
$$;
create trigger only_added before update or delete or truncate on ml.models
for each statement execute function ml.only_added();
create trigger only_added before update or delete or truncate on ml.model_events
for each statement execute function ml.only_added();

create view ml.model_statuses as
with told as (
    select distinct on (question, model_version)
        question, model_version, event, reasons, valid_from
    from ml.model_events
    where model_version is not null
    order by question, model_version, event_id desc
),

champions as (
    select distinct on (question)
        question, model_version
    from ml.model_events
    where event = 'promoted'
    order by question, valid_from desc, event_id desc
)

select
    models.question,
    models.model_version,
    models.as_of_date,
    models.method,
    case
        when champions.model_version is not null then 'champion'
        when told.event = 'rejected' then 'rejected'
        when told.event in ('promoted', 'retired') then 'retired'
        else 'challenger'
    end as status,
    told.reasons,
    told.valid_from,
    models.sha256
from ml.models as models
left join told on models.question = told.question and models.model_version = told.model_version
left join champions on models.question = champions.question and models.model_version = champions.model_version;
comment on view ml.model_statuses is 'Each model with what it is now: challenger, champion, retired or rejected, and why.';

-- Scores tell which training they come from, and whether the last one failed.
alter table ml.fits
    add column trained_as_of date,
    add column training_failure text;

create table ml.monitors (
    as_of_date date not null,
    question text not null,
    monitor text not null,
    subject text not null,
    value double precision not null,
    reference_date date,
    count_rows integer not null,
    model_version text not null,
    note text not null,
    primary key (as_of_date, question, monitor, subject)
);
comment on table ml.monitors is 'Each night''s figures on whether models still work; thresholds are variables of the dbt project.';
