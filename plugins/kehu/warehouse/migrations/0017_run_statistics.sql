-- How often a stage was tried, run statistics for BI over all nights, and statements that end with those who asked.

alter table ops.stage_runs add column tries integer not null default 1;
comment on column ops.stage_runs.tries is 'How often the stage has begun in this run; its other columns tell of the last try.';

create view ops.run_stages with (security_barrier) as
select
    stages.run_id,
    runs.as_of_date,
    runs.status as run_status,
    stages.stage,
    case
        when stages.state = 'running' and stages.run_id < (select max(newest.run_id) from ops.runs as newest)
            then 'broken off'
        else stages.state
    end as state,
    stages.tries,
    stages.started_at,
    stages.finished_at,
    round(extract(epoch from stages.finished_at - stages.started_at), 3) as seconds,
    stages.rows_in,
    stages.rows_out,
    stages.quarantined
from ops.stage_runs as stages
inner join ops.runs as runs on stages.run_id = runs.run_id;
comment on view ops.run_stages is
    'One row per run and stage, of all runs ever: state, tries, times, seconds, rows. Errors are not in it: they name files.';
comment on column ops.run_stages.state is
    'running, success, failed, or broken off: it was running when a later run began, so its process is gone.';
grant select on ops.run_stages to bi_reader;

-- A process that was killed leaves its statement running until the server looks: look each second.
do $$
begin
    execute format('alter database %I set client_connection_check_interval = ''1s''', current_database());
end
$$;
