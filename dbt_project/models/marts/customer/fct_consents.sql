-- Grain: one row per customer (or account that is nobody's), channel, purpose, and period of one status.
{{ config(indexes=[{'columns': ['customer_id']}]) }}
with

told as (

    select
        *,
        lag(status) over (partition by subject, channel, purpose order by told_at) as previous_status
    from {{ ref('int_consents__classified') }}
    where exclusion_reason is null

),

starts as (

    select * from told
    where status is distinct from previous_status

),

periods as (

    select
        *,
        lead(told_at) over (partition by subject, channel, purpose order by told_at) as next_told_at
    from starts

)

select
    md5(concat_ws('|', subject, channel, purpose, cast(extract(epoch from told_at) as text))) as consent_period_key,
    customer_id,
    case when customer_id is null then account_id end as account_id,
    channel,
    purpose,
    status,
    told_at as valid_from,
    next_told_at as valid_to,
    next_told_at is null as is_current,
    consent_source as source
from periods
