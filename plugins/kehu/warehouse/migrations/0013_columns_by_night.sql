-- Columns of kept marts that follow from the run's day are worked out where they are read.

alter table ops.model_states add column by_night jsonb not null default '{}';
comment on column ops.model_states.by_night is
    'Columns that differ from night to night though nothing happened, as SQL over the row; {day} stands for the run''s day.';
