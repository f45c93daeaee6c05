-- Monitors of models: what the night that taught a model looked like, and figures that cannot be told on each night.
alter table ml.models add column night_reference jsonb;
comment on column ml.models.night_reference is
    'The night that taught it: customers, histogram of each input, histogram of what the model said of them. Null: trained'
    ' before there were monitors.';

alter table ml.monitors
    alter column value drop not null,
    add column chance_value double precision,
    add column expected_value double precision,
    add constraint told_or_noted check (value is not null or note <> '');
comment on column ml.monitors.subject is 'The input or the score that the figure tells of.';
comment on column ml.monitors.value is 'Null where it cannot be told; the note says why.';
comment on column ml.monitors.chance_value is 'What chance alone stays below in 999 of 1,000 cases.';
comment on column ml.monitors.expected_value is 'What the model''s back-test led to expect.';
comment on column ml.monitors.reference_date is
    'The night that drift is measured against, or whose scores have met their outcome.';

-- A kept model of nights: each night adds its rows, and those of other nights stay.
alter table ops.model_states add column nights text;
comment on column ops.model_states.nights is
    'The column that tells whose night a row is, where a night works out its own rows alone; a run shows none of later nights.';
