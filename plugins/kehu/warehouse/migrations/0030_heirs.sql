-- Whom an id stands for goes by its records: those that were merged may come apart again, and need not go back.
create function identity.left_by(former text, day date default 'infinity')
returns table (kind text, record_key text, customer_id text)
language sql stable
begin atomic
    select
        held.kind,
        held.record_key,
        newest.customer_id
    from identity.assignments as held
    cross join lateral (
        select one.customer_id
        from identity.assignments as one
        where one.kind = held.kind and one.record_key = held.record_key and one.valid_from <= day
        order by one.valid_from desc
        limit 1
    ) as newest
    where
        held.customer_id = former
        and held.valid_from <= day
        and held.valid_to <= day
        and held.valid_to = (
            select max(coalesce(one.valid_to, 'infinity'))
            from identity.assignments as one
            where one.customer_id = former and one.valid_from <= day
        );
end;
comment on function identity.left_by(text, date) is
    'The records that an id held to the last, and the newest customer of each as known on that day; none while it lives.';

create function identity.heirs(former text, day date default 'infinity')
returns table (kind text, customer_id text, is_living boolean, count_records bigint)
language sql stable
begin atomic
    with recursive followed as (
        select
            moved.kind,
            moved.record_key,
            moved.customer_id
        from identity.left_by(former, day) as moved
        union
        select
            moved.kind,
            followed.record_key,
            moved.customer_id
        from followed
        cross join lateral identity.left_by(followed.customer_id, day) as moved
        where followed.customer_id <> former and moved.customer_id <> followed.customer_id
    )

    select
        followed.kind,
        followed.customer_id,
        exists (
            select from identity.assignments as one
            where
                one.customer_id = followed.customer_id
                and one.valid_from <= day
                and (one.valid_to is null or one.valid_to > day)
        ) as is_living,
        count(*) as count_records
    from followed
    where not exists (
        select from identity.left_by(followed.customer_id, day) as moved
        where moved.customer_id <> followed.customer_id
    )
    group by followed.kind, followed.customer_id
    union all
    select
        mine.kind,
        mine.customer_id,
        true as is_living,
        count(*) as count_records
    from identity.assignments as mine
    where
        mine.customer_id = former
        and mine.valid_from <= day
        and (mine.valid_to is null or mine.valid_to > day)
    group by mine.kind, mine.customer_id;
end;
comment on function identity.heirs(text, date) is
    'Whom an id stands for, as known on a day: itself while it lives, else the customers that have the records which it'
    ' held to the last, with how many of them; itself, not living, if these have no customer any more.';

-- People's history may be read by who may not read identities: the definer's rights tell them these ids alone.
create function identity.former_ids(customer_ids text[], day date default 'infinity')
returns table (customer_id text, is_theirs_alone boolean)
language sql stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
    with recursive kin as (
        select unnest(customer_ids) as customer_id
        union
        select other.customer_id
        from kin
        inner join identity.assignments as mine on kin.customer_id = mine.customer_id
        inner join identity.assignments as other on mine.kind = other.kind and mine.record_key = other.record_key
        where
            mine.valid_from <= day
            and other.valid_from <= day
            and not exists (
                select from identity.assignments as one
                where
                    one.customer_id = other.customer_id
                    and one.valid_from <= day
                    and (one.valid_to is null or one.valid_to > day)
            )
    ),

    told as (
        select
            kin.customer_id,
            heirs.customer_id = any(customer_ids) as is_theirs
        from kin
        cross join lateral identity.heirs(kin.customer_id, day) as heirs
        where kin.customer_id <> all(customer_ids)
    )

    select
        told.customer_id,
        bool_and(told.is_theirs) as is_theirs_alone
    from told
    group by told.customer_id
    having bool_or(told.is_theirs);
end;
comment on function identity.former_ids(text[], date) is
    'The former ids that stand for these customers, as known on a day, at whatever remove, and whether for nobody else.';
comment on table identity.merge_log is
    'What happened to customers: created; merged (customer_id ended, the larger part of its records went to'
    ' other_customer_id); split (part of customer_id became other_customer_id); vanished (no record left). Where the records'
    ' are today tells identity.heirs(customer_id).';
comment on table identity.findings is
    'What the newest night set aside: values too many share, clusters kept apart, decisions that contradict or do nothing.'
    ' No values.';

revoke execute on function
identity.left_by(text, date), identity.heirs(text, date), identity.former_ids(text[], date)
from public;
grant execute on function identity.left_by(text, date), identity.heirs(text, date) to transformer, sandbox_builder;

-- What is published is asked for the former ids as of its own night.
grant usage on schema identity to pii_reader;
grant execute on function identity.former_ids(text[], date) to pii_reader;
grant select on ops.published_run to pii_reader;
