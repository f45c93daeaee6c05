-- Grain: one row per event of the web tracker that it still has, with the visit it belongs to or why it belongs to none.
with

events as (

    {{ current_records(ref('stg_web__event_versions'), 'event_id') }}

),

people as (

    select
        record_key,
        customer_id
    from {{ ref('stg_identity__assignments') }}
    where
        kind = 'person'
        and (starts_with(record_key, 'web.logins:') or starts_with(record_key, 'shop.accounts:'))

),

judged as (

    select
        events.event_id,
        events.device_id,
        events.happened_at,
        events.event_type,
        events.event_name,
        events.page_path,
        events.campaign_source,
        events.user_agent,
        -- The login is a record of its own; where identity has none yet, the account is.
        coalesce(logins.customer_id, accounts.customer_id) as login_customer_id,
        case
            when events.device_id is null then 'no_device'
            when events.happened_at is null then 'no_time'
            when events.happened_at >= {{ as_of_end() }} then 'after_night'
        end as exclusion_reason
    from events
    left join people as logins on 'web.logins:' || events.account_id || '/' || events.device_id = logins.record_key
    left join people as accounts on 'shop.accounts:' || events.account_id = accounts.record_key

),

followed as (

    select
        *,
        lag(happened_at) over (
            partition by exclusion_reason, device_id
            order by happened_at, event_id
        ) as previous_at
    from judged

),

counted as (

    select
        *,
        count(*) filter (
            where
            previous_at is null
            or happened_at - previous_at > interval '{{ var("session_gap_minutes") }} minutes'
        ) over (
            partition by exclusion_reason, device_id
            order by happened_at, event_id
        ) as visit
    from followed

),

begun as (

    select
        *,
        min(happened_at) over (partition by exclusion_reason, device_id, visit) as began_at
    from counted

)

select
    event_id,
    md5('device ' || device_id) as device_key,
    case
        when exclusion_reason is null then md5('visit ' || device_id || ' ' || extract(epoch from began_at))
    end as session_id,
    happened_at,
    event_type,
    event_name,
    page_path,
    campaign_source,
    user_agent,
    login_customer_id,
    exclusion_reason
from begun
