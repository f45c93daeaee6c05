-- What a day's file looked like in figures, so that the next nights can tell an odd one; and whom to ask about exceptions.

create table ops.profiles (
    load_id bigint primary key references ops.loads,
    profile jsonb not null,
    profiled_at timestamptz not null default now()
);
comment on table ops.profiles is
    'Counts, shares and quantiles of a load''s rows. It holds no value that belongs to a person.';

create table ops.waivers (
    load_id bigint primary key references ops.loads,
    accepted_by text not null,
    reason text not null,
    accepted_at timestamptz not null default now()
);
comment on table ops.waivers is
    'Loads that a person found right although the raw gate''s comparison with earlier nights blocks them.';
