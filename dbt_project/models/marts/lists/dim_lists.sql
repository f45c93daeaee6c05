-- Grain: one row per list that a night's registry had, as the registry said of it last.
with

newest as (

    select distinct on (list_id) *
    from {{ ref('stg_history__lists') }}
    order by list_id asc, valid_from desc

),

counted as (

    select
        list_id,
        count(*) filter (where status = 'member') as count_members,
        count(*) filter (where status = 'holdout') as count_held_out,
        count(*) filter (where status not in ('member', 'holdout')) as count_left_out
    from {{ ref('stg_history__list_candidates') }}
    where valid_to is null
    group by list_id

)

select
    newest.list_id,
    newest.version as list_version,
    newest.name_en,
    newest.name_zh,
    newest.readers,
    newest.owner,
    newest.priority,
    newest.purpose,
    newest.consent as consent_basis,
    newest.is_capped,
    array_to_string(newest.channels, ', ') as channels,
    newest.model as source_model,
    newest.rule,
    newest.gain as gain_rule,
    newest.cost,
    newest.budget_amount,
    newest.budget_per,
    case when newest.valid_to is not null then 'retired' else newest.status end as status,
    newest.rule_hash,
    cast(coalesce(counted.count_members, 0) as integer) as count_members,
    cast(coalesce(counted.count_held_out, 0) as integer) as count_held_out,
    cast(coalesce(counted.count_left_out, 0) as integer) as count_left_out
from newest
left join counted on newest.list_id = counted.list_id
