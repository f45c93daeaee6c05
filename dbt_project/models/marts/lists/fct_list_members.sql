-- Grain: one row per row of a list (list, customer, occasion) and period in which the customer was on it without a break.
{{ config(indexes=[{'columns': ['list_id']}, {'columns': ['customer_id']}]) }}
with

candidates as (

    select * from {{ ref('stg_history__list_candidates') }}

),

kept as (

    select
        *,
        lag(valid_to) over (partition by list_key, customer_id order by valid_from) as previous_to
    from candidates
    where status = 'member'

),

-- Words and figures change within a period.
numbered as (

    select
        *,
        count(*) filter (where previous_to is null or previous_to < valid_from) over (
            partition by list_key, customer_id order by valid_from
        ) as period
    from kept

),

periods as (

    select distinct on (list_key, customer_id, period)
        numbered.*,
        min(valid_from) over (partition by list_key, customer_id, period) as entered_on
    from numbered
    order by list_key asc, customer_id asc, period asc, valid_from desc

),

merged as (

    select distinct
        periods.list_key,
        periods.customer_id,
        periods.valid_from
    from periods
    inner join {{ ref('stg_identity__merge_log') }} as mergers
        on
            periods.customer_id = mergers.customer_id
            and periods.valid_from < mergers.as_of_date
            and periods.valid_to >= mergers.as_of_date
    where
        mergers.kind = 'person'
        and mergers.event = 'merged'

),

finished as (

    select
        list_key,
        min(contacted_date) as finished_on
    from {{ ref('lst_outcomes') }}
    where
        is_final
        and exclusion_reason is null
    group by list_key

),

registry as (

    select * from {{ ref('stg_history__lists') }}

),

-- Of a period that ended: what was told of the same occasion on the night it ended, else what came to pass by then.
told as (

    select
        periods.*,
        case
            when periods.valid_to is null then null
            when afterwards.status is not null then afterwards.status
            when coalesce(registry.status, 'retired') = 'retired' then 'list_retired'
            when merged.list_key is not null then 'merged'
            -- Often the reason is gone because it is done.
            when finished.list_key is not null then 'done'
            when periods.valid_to > periods.valid_until then 'expired'
            else 'reason_gone'
        end as removal_reason
    from periods
    -- The registry as it was on that night.
    left join registry
        on
            periods.list_id = registry.list_id
            and periods.valid_to >= registry.valid_from
            and periods.valid_to < coalesce(registry.valid_to, cast('infinity' as date))
    left join merged
        on
            periods.list_key = merged.list_key
            and periods.customer_id = merged.customer_id
            and periods.valid_from = merged.valid_from
    left join finished
        on
            periods.list_key = finished.list_key
            and periods.valid_to >= finished.finished_on
    left join candidates as afterwards
        on
            periods.list_id = afterwards.list_id
            and periods.customer_id = afterwards.customer_id
            and periods.occasion = afterwards.occasion
            and periods.valid_to = afterwards.valid_from
            and afterwards.status <> 'member'

),

handed_out as (

    select
        list_key,
        first_exported_on
    from {{ ref('lst_keys') }}

)

select
    told.list_key,
    told.list_id,
    told.version as list_version,
    told.customer_id,
    told.occasion,
    told.entered_on as valid_from,
    told.valid_to,
    told.valid_to is null as is_current,
    told.since_date,
    told.valid_until,
    told.priority,
    case
        when told.valid_to is null
            then cast(row_number() over (
                partition by told.list_id, told.valid_to
                order by told.expected_gain desc, told.customer_id collate "C", told.occasion collate "C"
            ) as integer)
    end as list_position,
    told.channel,
    told.reason_en,
    told.reason_zh,
    told.talking_points_en,
    told.talking_points_zh,
    told.expected_gain,
    told.cost,
    told.features,
    told.model_version,
    handed_out.first_exported_on,
    told.removal_reason,
    statuses.name_en as removal_words_en,
    statuses.name_zh as removal_words_zh
from told
left join handed_out on told.list_key = handed_out.list_key
left join {{ ref('list_statuses') }} as statuses on told.removal_reason = statuses.status
