-- Grain: one row per request and period in which it had one status, as far as known on the night.
-- The desk keeps a history with each record; of the CRMs' cases the versions are the history.
with

requests as (

    select * from {{ ref('int_service_requests__unioned') }}

),

statuses as (

    select * from {{ ref('service_request_statuses') }}

),

entries as (

    select
        requests.request_id,
        requests.source,
        entries.record,
        entries.place
    from requests
    cross join jsonb_array_elements(requests.status_history) with ordinality as entries (record, place)

),

written as (

    select
        request_id,
        source,
        lower({{ record_text('status') }}) as source_status,
        {{ record_time('at') }} as entered_at,
        place
    from entries

),

versions as (

    {% for relation, key, id in [
        ('stg_support__ticket_versions', 'support.tickets', 'ticket_id'),
        ('stg_support__chat_versions', 'support.chats', 'chat_id'),
        ('stg_support__complaint_versions', 'support.complaints', 'complaint_id'),
        ('stg_zoho_crm__case_versions', 'zoho_crm.Cases', 'case_id'),
    ] %}
        select
            '{{ key }}:' || {{ id }} as request_id,
            status as source_status,
            changed_at,
            load_id,
            row_number
        from {{ ref(relation) }}
        where not is_deleted
        union all
    {% endfor %}
    select
        'fxiaoke.CasesObj:' || case_id as request_id,
        status as source_status,
        changed_at,
        load_id,
        row_number
    from {{ ref('stg_fxiaoke__case_versions') }}
    where not is_deleted

),

seen as (

    select
        requests.request_id,
        requests.source,
        versions.source_status,
        versions.changed_at as entered_at,
        row_number() over (
            partition by requests.request_id
            order by versions.changed_at, versions.load_id, versions.row_number
        ) as place
    from requests
    inner join versions on requests.request_id = versions.request_id
    where requests.status_history is null

),

newest as (

    -- What the record says of itself comes after all that its history tells of the same moment.
    select
        request_id,
        source,
        source_status,
        coalesce(changed_at, resolved_at, opened_at, cast('-infinity' as timestamptz)) as entered_at,
        cast(1000000000 as bigint) as place
    from requests

),

told as (

    select * from written
    union all
    select * from seen
    union all
    select * from newest

),

known as (

    select
        told.request_id,
        told.source_status,
        coalesce(statuses.status, 'unknown') as status,
        told.entered_at,
        told.place
    from told
    left join statuses
        on
            told.source = statuses.source
            and told.source_status = statuses.source_status
    where
        told.source_status is not null
        and told.entered_at < {{ as_of_end() }}

),

followed as (

    select
        *,
        lag(status) over (partition by request_id order by entered_at, place) as previous_status
    from known

)

select
    request_id,
    source_status,
    status,
    previous_status,
    nullif(entered_at, cast('-infinity' as timestamptz)) as entered_at,
    row_number() over (partition by request_id order by entered_at, place) as period
from followed
where status is distinct from previous_status
