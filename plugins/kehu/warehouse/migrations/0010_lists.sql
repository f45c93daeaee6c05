-- Lists for action: who was on which list on each night, what was handed out and why, and who may hand out contact data.

create table history.lists (
    list_id text not null,
    version integer not null,
    name_en text not null,
    name_zh text not null,
    readers text not null,
    owner text not null,
    priority integer not null,
    purpose text not null,
    consent text not null,
    is_capped boolean not null,
    channels text[] not null,
    model text not null,
    rule text not null,
    gain text not null,
    cost numeric(12, 2) not null,
    budget_amount numeric(16, 2),
    budget_per text,
    status text not null check (status in ('active', 'retired')),
    rule_hash text not null,
    valid_from date not null,
    valid_to date,
    primary key (list_id, valid_from),
    check (valid_from < valid_to)
);
comment on table history.lists is 'The registry of lists as each night read it.';
comment on column history.lists.rule_hash is 'Hash of what decides who is on the list: a version never has two of them.';

create table history.list_candidates (
    list_id text not null,
    customer_id text not null,
    occasion text not null,
    list_key text not null,
    version integer not null,
    status text not null,
    priority integer not null,
    channel text,
    since_date date not null,
    valid_until date not null,
    expected_gain numeric(16, 2),
    cost numeric(12, 2),
    reason_en text,
    reason_zh text,
    talking_points_en text,
    talking_points_zh text,
    features text,
    model_version text,
    valid_from date not null,
    valid_to date,
    primary key (list_id, customer_id, occasion, valid_from),
    check (valid_from < valid_to)
);
create index list_candidates_key on history.list_candidates (list_key);
comment on table history.list_candidates is
    'Whom the lists'' rules named on each night, and what became of it: member, holdout, or why neither. Words and figures'
    ' are kept of members only.';
comment on column history.list_candidates.list_key is
    'Hash of list, customer and occasion: the same on any night and any rerun. What was handed out keeps its key when'
    ' customers are merged.';

create table ops.exports (
    export_id bigint generated always as identity primary key,
    list_id text not null,
    run_id bigint not null references ops.runs,
    as_of_date date not null,
    format text not null check (format in ('csv', 'parquet')),
    file_name text not null,
    has_contact_data boolean not null,
    count_rows bigint not null,
    exported_by text not null,
    exported_at timestamptz not null default now()
);
comment on table ops.exports is 'Each file that handed out a list: of which published night, to whom, with contact data or without.';

create table ops.decision_journal (
    export_id bigint not null references ops.exports,
    list_key text not null,
    list_id text not null,
    list_version integer not null,
    rule_hash text not null,
    customer_id text not null,
    occasion text not null,
    as_of_date date not null,
    channel text,
    cost numeric(12, 2) not null,
    features jsonb not null,
    model_version text,
    reason text not null,
    primary key (export_id, list_key)
);
create index decision_journal_key on ops.decision_journal (list_key, as_of_date);
create index decision_journal_customer on ops.decision_journal (customer_id);
comment on table ops.decision_journal is
    'Why each row of each export was handed out: the values and model versions the decision was made with. Rows are only added.';

-- Whoever hands out mail addresses and phone numbers needs this role; the flag of the command alone is not enough.
do $$
begin
    if not exists (select from pg_roles where rolname = 'contact_exporter') then
        create role contact_exporter nologin;
    end if;
end
$$;
grant select on ops.exports, ops.decision_journal to sandbox_builder;
