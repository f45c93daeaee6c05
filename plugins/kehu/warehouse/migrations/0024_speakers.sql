-- Training dates cost most of what features of customers cost, and are read only when a model is trained.
create table ml.speakers (
    as_of_date date not null,
    question text not null,
    horizon_days integer,
    primary key (as_of_date, question)
);
comment on table ml.speakers is
    'The night whose features are worked out next, and which questions have a champion that scores it. Where one has none,'
    ' or a night is not here, all training dates are worked out.';
comment on column ml.speakers.horizon_days is 'How far the champion looks ahead, days; null where there is none.';
-- Told by the stage that builds the features.
grant insert, delete on ml.speakers to transformer;
