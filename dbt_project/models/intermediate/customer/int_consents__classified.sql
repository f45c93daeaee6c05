-- Grain: one row per known version of a consent, whose it is, and, where it does not count, why. Nothing is dropped.
with

customers as (

    select
        record_key,
        customer_id
    from {{ ref('stg_identity__assignments') }}
    where kind = 'person'

),

timed as (

    select
        *,
        coalesce(recorded_at, changed_at) as told_at,
        coalesce(greatest(recorded_at, changed_at) >= {{ as_of_end() }}, false) as is_late,
        case when status in ('given', 'withdrawn') then status else 'unknown' end as known_status
    from {{ ref('stg_consents__consent_versions') }}

),

arrived as (

    -- What arrives after a deletion is newer than it: a record that was restored need not have changed.
    select
        *,
        first_value(is_deleted) over (
            partition by consent_id
            order by is_late asc, load_id desc, row_number desc
        ) as is_gone,
        row_number() over (
            partition by consent_id, told_at, is_deleted, is_late
            order by changed_at desc nulls last, known_status desc, load_id desc, row_number desc
        ) as correction_rank
    from timed

),

judged as (

    select
        arrived.*,
        customers.customer_id,
        coalesce(customers.customer_id, 'account ' || arrived.account_id, 'consent ' || arrived.consent_id) as subject,
        coalesce(arrived.channel, 'unknown') as known_channel,
        coalesce(arrived.purpose, 'unknown') as known_purpose,
        case
            when arrived.is_late then 'dated_after_night'
            when arrived.is_deleted then 'deletion'
            -- That a withdrawal was removed gives nobody's consent back.
            when arrived.is_gone and arrived.known_status <> 'withdrawn' then 'deleted'
            when arrived.told_at is null then 'undated'
            when arrived.correction_rank > 1 then 'corrected'
        end as exclusion_reason
    from arrived
    left join customers on 'consents.consents:' || arrived.consent_id = customers.record_key

),

ranked as (

    -- Of what several records tell of one instant, the withdrawal counts: `withdrawn` is the last of the words.
    select
        *,
        row_number() over (
            partition by subject, known_channel, known_purpose, told_at, exclusion_reason
            order by known_status desc, load_id desc, row_number desc
        ) as instant_rank
    from judged

)

select
    consent_id,
    subject,
    customer_id,
    account_id,
    known_channel as channel,
    known_purpose as purpose,
    known_status as status,
    consent_source,
    told_at,
    load_id,
    row_number,
    case
        when exclusion_reason is null and instant_rank > 1 then 'overruled'
        else exclusion_reason
    end as exclusion_reason
from ranked
