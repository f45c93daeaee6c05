-- Who is the same customer: normalised values, links with their evidence, customer ids through time, and manual decisions.

create schema identity;
comment on schema identity is
    'Which records belong to one customer, since when, and why. Written by the identity stages; holds personal data.';

create table identity.normal_names (
    raw text primary key,
    given_name text,
    surname text,
    name_key text,
    name_compact text,
    name_han text
);
comment on table identity.normal_names is
    'Each name ever written, in letters a to z and, where it has them, Chinese characters. All null: nobody''s name.';

create table identity.normal_mails (
    raw text primary key,
    mail text
);
comment on table identity.normal_mails is
    'Each mail address ever written, without what does not tell mailboxes apart; null: a placeholder, or none at all.';

create table identity.normal_phones (
    raw text not null,
    country text not null,
    phone text,
    primary key (raw, country)
);
comment on table identity.normal_phones is
    'Each phone number ever written, by the country of its record ('''' if unknown), as E.164; null: a placeholder.';

create table identity.normal_companies (
    raw text primary key,
    company text,
    company_city text
);
comment on table identity.normal_companies is
    'Each company name ever written, without legal form and town; null: no company''s name.';

create table identity.normal_addresses (
    raw text not null,
    part text not null check (part in ('street', 'city', 'postcode')),
    normal text,
    primary key (raw, part)
);
comment on table identity.normal_addresses is 'Each part of an address ever written, in a form that compares.';

create table identity.normal_births (
    raw text primary key,
    birth_date date
);
comment on table identity.normal_births is 'Each birth date ever written; null: a placeholder, or no date anybody alive has.';

create table identity.models (
    model_version text primary key,
    kind text not null check (kind in ('person', 'company')),
    trained_on date not null,
    count_records bigint not null,
    settings_hash text not null,
    parameters jsonb not null,
    commonness jsonb not null
);
comment on table identity.models is
    'Splink models as they were trained: its parameters, and how common the common values of some columns were.';

create table identity.nights (
    as_of_date date not null,
    kind text not null check (kind in ('person', 'company')),
    model_version text not null,
    settings_hash text not null,
    run_id bigint not null,
    is_full boolean not null,
    holds_state boolean not null,
    counts jsonb not null,
    primary key (as_of_date, kind)
);
comment on table identity.nights is 'The nights whose graph is known, and how much each of them recomputed.';
comment on column identity.nights.holds_state is
    'Whether records, links, crowded and findings are this night''s; the next one goes on from there.';

create table identity.records (
    kind text not null,
    record_key text not null,
    content_hash text not null,
    keys bigint[] not null,
    blocks bigint[] not null,
    family text not null,
    component text not null,
    primary key (kind, record_key)
);
create index records_family on identity.records (kind, family);
create index records_component on identity.records (kind, component);
create index records_keys on identity.records using gin (keys);
create index records_blocks on identity.records using gin (blocks);
comment on table identity.records is
    'The records of the newest night: what each looked like, where it was compared, which component it lay in.';
comment on column identity.records.blocks is 'Hashes of the values by which records are brought together for comparison.';
comment on column identity.records.keys is 'Hashes of the keys by which certain rules link it.';
comment on column identity.records.family is 'Smallest key of the records that its own keys connect with it.';
comment on column identity.records.component is 'Smallest key of the records that links connect with it, whatever they contradict.';

create table identity.crowded (
    kind text not null,
    block bigint not null,
    name text not null,
    count_records bigint not null,
    primary key (kind, block)
);
comment on table identity.crowded is
    'Hashes of values that more records of the newest night share than their cap allows: they bring nobody together.';

create table identity.links (
    kind text not null,
    left_key text not null,
    right_key text not null,
    rule text not null,
    match_probability double precision not null,
    match_weight double precision not null,
    evidence text,
    is_same_customer boolean not null,
    primary key (kind, left_key, right_key, rule),
    check (left_key < right_key)
);
create index links_right on identity.links (kind, right_key);
comment on table identity.links is
    'Pairs of records of the newest night that are or may be the same: by a certain rule, by decision, or by the model.';
comment on column identity.links.rule is 'Name of the certain rule, ''decision'', or ''model''.';
comment on column identity.links.match_weight is 'log2 of the odds that both are the same, prior included.';
comment on column identity.links.evidence is 'The model''s comparison vector with the weight (log2 Bayes factor) of each comparison.';

create table identity.assignments (
    kind text not null,
    record_key text not null,
    customer_id text not null,
    valid_from date not null,
    valid_to date,
    primary key (kind, record_key, valid_from),
    check (valid_from < valid_to)
);
create index assignments_customer on identity.assignments (customer_id);
comment on table identity.assignments is
    'Which customer each record belonged to, by the night from which it was known so until the night it was not.';

create table identity.merge_log (
    as_of_date date not null,
    kind text not null,
    event text not null check (event in ('created', 'merged', 'split', 'vanished')),
    customer_id text not null,
    other_customer_id text not null default '',
    count_records integer not null,
    primary key (as_of_date, customer_id, event, other_customer_id)
);
comment on table identity.merge_log is
    'What happened to customers: created; merged (customer_id lives on in other_customer_id, its alias); split (part of'
    ' customer_id became other_customer_id); vanished (no record left).';

create table identity.decisions (
    left_key text not null,
    right_key text not null,
    is_same boolean not null,
    decided_on date not null,
    note text,
    kind text not null default 'person' check (kind in ('person', 'company')),
    primary key (left_key, right_key, decided_on, kind),
    check (left_key <> right_key)
);
comment on table identity.decisions is
    'Pairs that a person judged, in force from decided_on; the newest counts. A CSV file may hold further ones.';

create table identity.findings (
    kind text not null,
    finding text not null check (finding in ('shared value', 'suspicious cluster', 'decision')),
    subject text not null,
    count_records bigint not null,
    reason text not null,
    primary key (kind, finding, subject)
);
comment on table identity.findings is
    'What the newest night set aside: values too many share, clusters kept apart, decisions that contradict. No values.';

create function identity.as_of(day date)
returns table (kind text, record_key text, customer_id text)
language sql stable
begin atomic
    select
        assignments.kind,
        assignments.record_key,
        assignments.customer_id
    from identity.assignments
    where
        assignments.valid_from <= day
        and (assignments.valid_to is null or assignments.valid_to > day);
end;
comment on function identity.as_of(date) is 'Which customer each record belonged to, as it was known on that day.';

-- What the nightly report and BI tools may see of the identity stages: numbers and reasons of the published night.
create view ops.published_identity with (security_barrier) as
with night as (
    select runs.as_of_date
    from ops.runs
    where runs.run_id = (select pointer.run_id from store.current as pointer)
),

-- Not by identity.as_of(): a function called in a view works with the reader's rights, not with the view's.
known as (
    select
        assignments.kind,
        count(*) as count_records,
        count(distinct assignments.customer_id) as count_customers
    from identity.assignments
    inner join night
        on
            assignments.valid_from <= night.as_of_date
            and (assignments.valid_to is null or assignments.valid_to > night.as_of_date)
    group by assignments.kind
),

events as (
    select
        log.kind,
        count(distinct log.customer_id) filter (where log.event = 'created') as count_created,
        count(distinct log.customer_id) filter (where log.event = 'merged') as count_merged,
        count(distinct log.customer_id) filter (where log.event = 'split') as count_split,
        count(distinct log.customer_id) filter (where log.event = 'vanished') as count_vanished
    from identity.merge_log as log
    inner join night on log.as_of_date = night.as_of_date
    group by log.kind
)

select
    nights.kind,
    nights.as_of_date,
    nights.is_full,
    nights.model_version,
    coalesce(known.count_records, 0) as count_records,
    coalesce(known.count_customers, 0) as count_customers,
    coalesce(events.count_created, 0) as count_created,
    coalesce(events.count_merged, 0) as count_merged,
    coalesce(events.count_split, 0) as count_split,
    coalesce(events.count_vanished, 0) as count_vanished
from identity.nights
inner join night on nights.as_of_date = night.as_of_date
left join known on nights.kind = known.kind
left join events on nights.kind = events.kind;
comment on view ops.published_identity is 'Per kind: customers and records of the published night, and what happened to customers.';

-- A finding's subject names a column and a hash, or records: no values of people.
create view ops.published_identity_findings with (security_barrier) as
select
    kind,
    finding,
    subject,
    count_records,
    reason
from identity.findings;
comment on view ops.published_identity_findings is 'What the newest night''s identity stages set aside, and why.';

grant select on ops.published_identity, ops.published_identity_findings to bi_reader;
