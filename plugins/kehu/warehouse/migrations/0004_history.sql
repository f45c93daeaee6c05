-- What was known of customers and their tags on each night, kept as periods.

create schema history;
comment on schema history is
    'Periods in which something was known: from the night it was known so until the night it was not. Kept through the'
    ' nights by kehu.warehouse.history, whatever order they were built in; holds personal data.';

create table history.nights (
    table_name text not null,
    as_of_date date not null,
    primary key (table_name, as_of_date)
);
comment on table history.nights is 'The nights that each table of this schema knows of, those that changed nothing included.';

create table history.customers (
    customer_id text not null,
    has_purchased boolean not null,
    full_name text,
    birth_date date,
    mail text,
    phone text,
    street text,
    postcode text,
    city text,
    country text,
    title text,
    company_id text,
    valid_from date not null,
    valid_to date,
    primary key (customer_id, valid_from),
    check (valid_from < valid_to)
);
comment on table history.customers is 'The fields of each customer''s golden record that can change.';

create table history.tags (
    tag_id text not null,
    version integer not null,
    name_en text not null,
    name_zh text not null,
    kind text not null,
    owner text,
    rule text,
    model text,
    since text,
    valid_days integer,
    expires_on date,
    replaces text[] not null,
    status text not null check (status in ('active', 'expired', 'retired')),
    rule_hash text not null,
    valid_from date not null,
    valid_to date,
    primary key (tag_id, valid_from),
    check (valid_from < valid_to)
);
comment on table history.tags is 'The registry of tags as each night read it.';
comment on column history.tags.rule_hash is 'Hash of what decides who has the tag: a version never has two of them.';

create table history.customer_tags (
    customer_id text not null,
    tag_id text not null,
    version integer not null,
    reason text not null,
    expires_on date,
    valid_from date not null,
    valid_to date,
    primary key (customer_id, tag_id, valid_from),
    check (valid_from < valid_to)
);
comment on table history.customer_tags is 'Which customer had which tag, and the values that fulfilled its rule.';
