-- Grain: one row per customer and period in which the golden record was the same, as the nights knew it.
{{ config(indexes=[{'columns': ['valid_from']}, {'columns': ['merged_into_customer_id']}]) }}
with

periods as (

    select
        *,
        lag(valid_to) over (partition by customer_id order by valid_from) as previous_to,
        lead(valid_from) over (partition by customer_id order by valid_from) as next_from,
        {{ changed_fields() }} as changed_fields
    from {{ ref('stg_history__customers') }}

),

events as (

    select
        customer_id,
        other_customer_id,
        as_of_date
    from {{ ref('stg_identity__merge_log') }}
    where
        kind = 'person'
        and event = 'merged'

),

-- A customer who is gone from a night on was merged by that night, or after the one before it.
successors as (

    select
        periods.customer_id,
        periods.valid_from,
        (array_agg(events.other_customer_id order by events.as_of_date desc, events.other_customer_id asc))[1] as merged_into
    from periods
    inner join events
        on
            periods.customer_id = events.customer_id
            and periods.valid_from < events.as_of_date
            and periods.valid_to >= events.as_of_date
    where periods.next_from is distinct from periods.valid_to
    group by periods.customer_id, periods.valid_from

)

select
    periods.customer_id,
    periods.valid_from,
    periods.valid_to,
    periods.valid_to is null as is_current,
    case
        when periods.previous_to is null then 'created'
        when periods.previous_to < periods.valid_from then 'returned'
        else 'changed'
    end as change_type,
    case when periods.previous_to = periods.valid_from then periods.changed_fields end as changed_fields,
    successors.merged_into as merged_into_customer_id,
    periods.has_purchased,
    periods.full_name,
    periods.birth_date,
    periods.mail,
    periods.phone,
    periods.street,
    periods.postcode,
    periods.city,
    periods.country,
    periods.title,
    periods.company_id,
    periods.sealed
from periods
left join successors
    on
        periods.customer_id = successors.customer_id
        and periods.valid_from = successors.valid_from
