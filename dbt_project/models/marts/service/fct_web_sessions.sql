-- Grain: one row per visit of a device to the site: its events with no longer silence between them.
{{ config(indexes=[{'columns': ['customer_id']}, {'columns': ['started_date']}]) }}
with

events as (

    select * from {{ ref('int_web_events__sessioned') }}
    where exclusion_reason is null

),

device_owners as (

    -- A device on which several people have logged in tells of none of them.
    select
        device_key,
        min(login_customer_id) as customer_id
    from events
    where login_customer_id is not null
    group by 1
    having min(login_customer_id) = max(login_customer_id)

),

visits as (

    select
        session_id,
        device_key,
        min(happened_at) as started_at,
        max(happened_at) as ended_at,
        count(*) as count_events,
        count(*) filter (where event_type = 'page') as count_page_views,
        count(*) filter (where lower(event_name) = 'product viewed') as count_product_views,
        coalesce(bool_or(lower(event_name) = 'order completed'), false) as has_order,
        (array_agg(page_path order by happened_at, event_id) filter (where page_path is not null))[1] as landing_path,
        (array_agg(campaign_source order by happened_at, event_id) filter (where campaign_source is not null))[1]
            as campaign_source,
        (array_agg(lower(user_agent) order by happened_at, event_id) filter (where user_agent is not null))[1] as user_agent,
        (array_agg(login_customer_id order by happened_at desc, event_id desc) filter (
            where login_customer_id is not null
        ))[1] as login_customer_id
    from events
    group by 1, 2

)

select
    visits.session_id,
    visits.device_key,
    coalesce(visits.login_customer_id, device_owners.customer_id) as customer_id,
    case
        when visits.login_customer_id is not null then 'login'
        when device_owners.customer_id is not null then 'device'
    end as customer_known_by,
    visits.started_at,
    {{ reporting_date('visits.started_at') }} as started_date,
    visits.ended_at,
    cast(visits.count_events as integer) as count_events,
    cast(visits.count_page_views as integer) as count_page_views,
    cast(visits.count_product_views as integer) as count_product_views,
    visits.has_order,
    visits.landing_path,
    visits.campaign_source,
    -- Words of the browser's own name, the first that is found; tablets and robots call themselves phones too.
    case
        when visits.user_agent is null then 'unknown'
        when visits.user_agent ~ 'bot|crawl|spider' then 'bot'
        when visits.user_agent ~ 'ipad|tablet' then 'tablet'
        when visits.user_agent ~ 'iphone|android|mobile' then 'phone'
        when visits.user_agent ~ 'windows|macintosh|linux|x11|cros' then 'desktop'
        else 'unknown'
    end as device_class
from visits
left join device_owners on visits.device_key = device_owners.device_key
