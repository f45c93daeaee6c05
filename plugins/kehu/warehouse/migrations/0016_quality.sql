-- Results of gates where people look: what each check asks and means, what it saw; how each night passed each gate.

alter table ops.quality_results
    add column reason text,
    add column configuration jsonb,
    add column observed_value double precision;
comment on column ops.quality_results.reason is 'What it means that the check fails, in words.';
comment on column ops.quality_results.configuration is
    'The expectation as Great Expectations knows it, type and arguments. They hold limits and forms, no value of a row.';
comment on column ops.quality_results.observed_value is
    'What a check of all rows together saw, such as their number or a mean; null for checks that ask each row.';

create or replace view ops.published_quality with (security_barrier) as
select
    gate,
    table_name,
    expectation,
    severity,
    is_passed,
    count_evaluated,
    count_unexpected,
    reason,
    observed_value
from ops.quality_results
where run_id = (select pointer.run_id from store.current as pointer);

-- A night may have been built by several runs; of each stage and check the newest run that got there counts.
create view ops.gate_nights with (security_barrier) as
with ended as (
    select distinct on (runs.as_of_date, stages.stage)
        runs.as_of_date,
        stages.stage,
        stages.state
    from ops.stage_runs as stages
    inner join ops.runs as runs on stages.run_id = runs.run_id
    where stages.state <> 'running'
    order by runs.as_of_date, stages.stage, stages.run_id desc
),

gates as (
    select
        as_of_date,
        case
            when stage = 'check_raw' then 'raw'
            when stage = 'check_scores' then 'scores'
            when stage like 'build\_%' then 'marts'
            else 'landing'
        end as gate,
        bool_or(state = 'failed' and stage not like 'ingest\_%') as is_blocked,
        bool_or(state = 'failed') as is_warned
    from ended
    where
        stage in ('require_sources', 'check_raw', 'check_scores')
        or stage like 'build\_%'
        or stage like 'ingest\_%'
    group by 1, 2
),

results as (
    select distinct on (runs.as_of_date, results.gate, results.table_name, results.expectation)
        runs.as_of_date,
        results.gate,
        results.severity,
        results.is_passed
    from ops.quality_results as results
    inner join ops.runs as runs on results.run_id = runs.run_id
    order by runs.as_of_date, results.gate, results.table_name, results.expectation, results.run_id desc
),

failures as (
    select
        as_of_date,
        gate,
        bool_or(severity = 'quarantine') as is_quarantined
    from results
    where not is_passed
    group by 1, 2
)

select
    gates.as_of_date,
    gates.gate,
    case
        when gates.is_blocked then 'blocked'
        when failures.is_quarantined then 'quarantined'
        when failures.gate is not null or gates.is_warned then 'warned'
        else 'passed'
    end as state
from gates
left join failures
    on
        gates.as_of_date = failures.as_of_date
        and gates.gate = failures.gate;
comment on view ops.gate_nights is
    'How each night passed each gate (landing, raw, marts, scores): passed, warned, quarantined or blocked.';

grant select on ops.gate_nights to bi_reader;
grant select on ops.quality_results to sandbox_builder;

alter table ops.loads add column count_added_columns integer;
comment on column ops.loads.count_added_columns is
    'Columns of the file that neither its contract nor the files before it have; null where rows are records.';

create table ops.night_waivers (
    as_of_date date primary key,
    accepted_by text not null,
    reason text not null,
    accepted_at timestamptz not null default now()
);
comment on table ops.night_waivers is
    'Nights whose scores a person found right although the score gate''s comparison with the published ones blocks them.';

-- Corrected rows come as a load of their own, which belongs to the load whose rows they correct and goes with it.
alter table ops.loads add column replays_load_id bigint references ops.loads;
comment on column ops.loads.replays_load_id is
    'The load whose quarantined rows this one corrects, under their numbers; it counts as long as that one does.';

create table ops.replays (
    load_id bigint not null,
    row_number integer not null,
    replay_load_id bigint not null references ops.loads,
    replayed_by text not null,
    reason text not null,
    replayed_at timestamptz not null default now(),
    primary key (load_id, row_number)
);
comment on table ops.replays is
    'Quarantined rows that a person corrected: which, by what load, who and why. The quarantine itself stays.';
