-- Tests of kept models read what changed; all rows after they were worked out anew.

alter table ops.model_states add column anew_run_id bigint references ops.runs;
comment on column ops.model_states.anew_run_id is 'The run that last worked out all rows, whatever had changed.';
