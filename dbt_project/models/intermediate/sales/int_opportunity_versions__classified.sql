-- Grain: one row per known version of a CRM's opportunity, whose it is, and, where it does not count, why. Nothing is dropped.
with

stages as (

    select * from {{ ref('opportunity_stages') }}

),

told as (

    select
        'zoho_crm' as source,
        'zoho_crm.Deals:' || deal_id as opportunity_id,
        'zoho_crm.Contacts:' || contact_id as contact_key,
        owner_id,
        stage,
        probability_percent,
        amount,
        currency,
        expected_close_date,
        created_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from {{ ref('stg_zoho_crm__deal_versions') }}
    union all
    select
        'fxiaoke' as source,
        'fxiaoke.NewOpportunityObj:' || opportunity_id as opportunity_id,
        cast(null as text) as contact_key,
        owner_id,
        stage,
        probability_percent,
        amount,
        currency,
        {{ reporting_date('expected_close_at') }} as expected_close_date,
        created_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from {{ ref('stg_fxiaoke__opportunity_versions') }}

),

timed as (

    select
        *,
        coalesce(changed_at, created_at) as told_at,
        coalesce(changed_at >= {{ as_of_end() }}, false) as is_late
    from told

),

arrived as (

    -- What arrives after a deletion is newer than it: a record that was restored need not have changed.
    select
        *,
        first_value(is_deleted) over (
            partition by opportunity_id
            order by is_late asc, load_id desc, row_number desc
        ) as is_gone,
        max(changed_at) filter (where is_deleted and not is_late) over (partition by opportunity_id) as last_deleted_at,
        max(told_at) filter (where not is_deleted and not is_late) over (partition by opportunity_id) as last_told_at,
        row_number() over (
            partition by opportunity_id, told_at, is_deleted
            order by load_id desc, row_number desc
        ) as correction_rank
    from timed

),

people as (

    select * from {{ ref('stg_identity__assignments') }}
    where kind = 'person'

),

companies as (

    select * from {{ ref('stg_identity__assignments') }}
    where kind = 'company'

)

select
    arrived.source,
    arrived.opportunity_id,
    companies.customer_id as company_id,
    people.customer_id,
    arrived.owner_id,
    arrived.stage,
    coalesce(stages.stage, arrived.stage, '(none)') as stage_name,
    stages.stage_order,
    coalesce(stages.stage_group, 'unknown') as stage_group,
    case
        when arrived.stage is null then 'missing'
        when stages.stage is null then 'not in opportunity_stages'
    end as stage_problem,
    case
        when arrived.probability_percent between 0 and 100 then arrived.probability_percent / 100
        else stages.default_probability
    end as probability,
    arrived.amount,
    coalesce(arrived.currency, '{{ var("currency") }}') as currency,
    arrived.expected_close_date,
    arrived.created_at,
    arrived.told_at,
    arrived.is_gone,
    case when arrived.is_gone then greatest(arrived.last_deleted_at, arrived.last_told_at) end as deleted_at,
    arrived.is_deleted,
    arrived.load_id,
    arrived.row_number,
    case
        when arrived.is_late then 'dated_after_night'
        when arrived.is_deleted then 'deletion'
        when arrived.told_at is null then 'undated'
        when arrived.correction_rank > 1 then 'corrected'
    end as exclusion_reason
from arrived
left join stages
    on
        arrived.source = stages.source
        and lower(arrived.stage) = lower(stages.stage)
left join companies on arrived.opportunity_id = companies.record_key
left join people on arrived.contact_key = people.record_key
