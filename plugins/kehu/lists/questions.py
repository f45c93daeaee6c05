"""The statements that fill a list: who is a candidate, by which way, within caps and budget. Sets, never row by row.

All of them work on two temporary tables: `tonight_list_candidates`, one row per list, customer and occasion, and
`pressure`, how many contacts each customer has had or will have within the days of each cap.
"""

from __future__ import annotations

# How a handed-out row is told from a new one: it keeps its key, its place and its way, for somebody acts on it already.
CANDIDATES = """
insert into pg_temp.tonight_list_candidates (
    list_id, customer_id, occasion, list_key, version, status, priority, channel, since_date, valid_until,
    expected_gain, cost, reason_en, reason_zh, talking_points_en, talking_points_zh, features, model_version,
    is_holdout, is_handed_out
)
select distinct on (asked.customer_id, asked.occasion)
    {id}, asked.customer_id, asked.occasion,
    coalesce(handed.list_key, 'L-' || left(encode(sha256(convert_to(
        concat_ws(chr(10), {id}, asked.customer_id, asked.occasion), 'UTF8')), 'hex'), 24)),
    {version}, 'candidate', {priority}, handed.channel, asked.since_date, asked.valid_until,
    asked.gain, {cost}, asked.reason_en, asked.reason_zh, asked.talking_points_en, asked.talking_points_zh,
    asked.features, asked.model_version,
    people.is_holdout, handed.list_key is not null
from (
    select
        customer_id,
        cast({occasion} as text) as occasion,
        cast({since} as date) as since_date,
        {until} as valid_until,
        coalesce(nullif(cast({gain} as numeric(16, 2)), 'NaN'), 0) as gain,
        {texts},
        {features} as features,
        {model_version} as model_version
    from {relation}
    where (
        {rule}
    )
) as asked
inner join {people} as people on asked.customer_id = people.customer_id
left join {handed_out} as handed
    on handed.list_id = {id} and asked.customer_id = handed.customer_id and asked.occasion = handed.occasion
where
    asked.occasion is not null
    and asked.since_date <= {day}
    and asked.valid_until >= {day}
    and ({is_free_of_budget} or asked.gain > {cost})
order by asked.customer_id, asked.occasion, asked.valid_until desc, asked.gain desc, asked.features collate "C"
"""
DONE = """
update pg_temp.tonight_list_candidates as candidates set status = 'done'
from {outcomes} as outcomes
where
    candidates.list_id = {id}
    and candidates.list_key = outcomes.list_key
    and outcomes.is_final
    and outcomes.exclusion_reason is null
"""
# The first of the list's ways that reaches the customer, is allowed, and has contacts left.
WAYS = """
with ways as (
    select
        candidates.customer_id,
        candidates.occasion,
        wanted.channel,
        row_number() over (
            partition by candidates.customer_id, candidates.occasion
            order by (wanted.channel is not distinct from candidates.channel) desc, wanted.place
        ) as place,
        wanted.channel = any(people.reachable_by) as is_reachable,
        coalesce({is_allowed}, {is_allowed_unasked}) as is_allowed,
        candidates.is_handed_out or not {is_capped} or (
            (caps.contacts is null or coalesce(pressure.used, 0) < caps.contacts)
            and (every.contacts is null or coalesce(in_all.used, 0) < every.contacts)
        ) as is_free
    from pg_temp.tonight_list_candidates as candidates
    cross join unnest(cast({channels} as text[])) with ordinality as wanted (channel, place)
    inner join {people} as people on candidates.customer_id = people.customer_id
    left join {consents} as known on candidates.customer_id = known.customer_id and wanted.channel = known.channel
    left join pg_temp.caps as caps on wanted.channel = caps.channel
    left join pg_temp.caps as every on every.channel = 'any'
    left join pg_temp.pressure as pressure
        on candidates.customer_id = pressure.customer_id and wanted.channel = pressure.channel
    left join pg_temp.pressure as in_all on candidates.customer_id = in_all.customer_id and in_all.channel = 'any'
    where candidates.list_id = {id} and candidates.status = 'candidate'
),
judged as (
    select
        customer_id,
        occasion,
        bool_or(is_reachable) as is_reachable,
        bool_or(is_reachable and is_allowed) as is_allowed,
        (array_agg(channel order by place) filter (where is_reachable and is_allowed and is_free))[1] as channel
    from ways
    group by customer_id, occasion
)
update pg_temp.tonight_list_candidates as candidates
set
    channel = judged.channel,
    status = case
        when not judged.is_reachable then 'unreachable'
        when not judged.is_allowed then 'no_consent'
        when judged.channel is null then 'contact_cap'
        else 'candidate'
    end
from judged
where
    candidates.list_id = {id}
    and candidates.customer_id = judged.customer_id
    and candidates.occasion = judged.occasion
"""
# Several occasions of one customer share what the caps leave; what is handed out is in the ledger already.
SHARED = """
with placed as (
    select
        customer_id,
        occasion,
        channel,
        row_number() over (
            partition by customer_id, channel order by expected_gain desc, occasion collate "C"
        ) as place,
        row_number() over (partition by customer_id order by expected_gain desc, occasion collate "C") as place_in_all
    from pg_temp.tonight_list_candidates
    where list_id = {id} and status = 'candidate' and not is_handed_out
)
update pg_temp.tonight_list_candidates as candidates
set status = 'contact_cap', channel = null
from placed
left join pg_temp.caps as caps on placed.channel = caps.channel
left join pg_temp.caps as every on every.channel = 'any'
left join pg_temp.pressure as pressure
    on placed.customer_id = pressure.customer_id and placed.channel = pressure.channel
left join pg_temp.pressure as in_all on placed.customer_id = in_all.customer_id and in_all.channel = 'any'
where
    candidates.list_id = {id}
    and candidates.customer_id = placed.customer_id
    and candidates.occasion = placed.occasion
    and (
        coalesce(pressure.used, 0) + placed.place > caps.contacts
        or coalesce(in_all.used, 0) + placed.place_in_all > every.contacts
    )
"""
SPENT = """
select coalesce(sum(cost), 0) from {keys}
where list_id = {id} and date_trunc('month', first_exported_on) = date_trunc('month', cast({day} as date))
"""
# Of those held out as many are marked as would have had a place, so that they compare with those who have one.
BUDGET = """
with placed as (
    select
        customer_id,
        occasion,
        is_holdout,
        count(*) filter (where not is_holdout) over (
            order by expected_gain desc, customer_id collate "C", occasion collate "C" rows unbounded preceding
        ) as place
    from pg_temp.tonight_list_candidates
    where list_id = {id} and status = 'candidate' and not is_handed_out
)
update pg_temp.tonight_list_candidates as candidates
set status = 'over_budget', channel = null
from placed
where
    candidates.list_id = {id}
    and candidates.customer_id = placed.customer_id
    and candidates.occasion = placed.occasion
    and placed.place + case when placed.is_holdout then 1 else 0 end > {places}
"""
DECIDED = """
update pg_temp.tonight_list_candidates
set status = case when is_holdout then 'holdout' else 'member' end
where list_id = {id} and status = 'candidate'
"""
# Those held out are counted like members: what other lists do with them must not differ either.
PLANNED = """
insert into pg_temp.pressure (customer_id, channel, used)
select customer_id, coalesce(channel, 'any'), count(*)
from pg_temp.tonight_list_candidates
where list_id = {id} and status in ('member', 'holdout') and not is_handed_out
group by grouping sets ((customer_id, channel), (customer_id))
on conflict (customer_id, channel) do update set used = pressure.used + excluded.used
"""
PRESSURE = """
insert into pg_temp.pressure (customer_id, channel, used)
select ledger.customer_id, caps.channel, count(distinct (ledger.channel, ledger.contact_date))
from {ledger} as ledger
inner join pg_temp.caps as caps on caps.channel in (ledger.channel, 'any')
where ledger.contact_date > cast({day} as date) - caps.days and ledger.contact_date <= {day}
group by ledger.customer_id, caps.channel
"""
# Of those who are not on the list only the fact is kept: figures that change each night would be a period each night.
SILENT = """
update pg_temp.tonight_list_candidates
set
    expected_gain = null, cost = null, reason_en = null, reason_zh = null, talking_points_en = null,
    talking_points_zh = null, features = null, model_version = null
where status <> 'member'
"""
