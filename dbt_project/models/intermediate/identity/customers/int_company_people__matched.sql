-- Grain: one row per person, company and period in which the person belonged to the company, as far as the records tell.
-- A record is news when it begins or ceases to name a company. The newest news counts, whichever record it comes from: the
-- others keep naming the old company long after.
{{ config(
    materialized='incremental',
    meta={'kept': {
        'key': 'person_customer_id, company_customer_id, valid_from', 'tells': {'employed.customer': ['person_customer_id']}
    }}
) }}
with

assignments as (

    select * from {{ ref('stg_identity__assignments') }}

),

employments as (

    select
        people.customer_id as person_customer_id,
        companies.customer_id as company_customer_id,
        employments.company_record_key,
        employments.title,
        employments.titled_at,
        employments.employed_from,
        employments.employed_to
    from {{ ref('int_identity_employments') }} as employments
    inner join assignments as people
        on
            people.kind = 'person'
            and employments.record_key = people.record_key
    inner join assignments as companies
        on
            companies.kind = 'company'
            and employments.company_record_key = companies.record_key

),

news as (

    select
        person_customer_id,
        company_customer_id,
        company_record_key,
        title,
        titled_at,
        employed_from as told_at,
        1 as is_start
    from employments
    union all
    select
        person_customer_id,
        company_customer_id,
        company_record_key,
        null as title,
        null as titled_at,
        employed_to as told_at,
        0 as is_start
    from employments
    where employed_to is not null

),

numbered as (

    -- At one moment, leaving comes before joining.
    select
        *,
        sum(is_start) over (
            partition by person_customer_id
            order by told_at, is_start, company_record_key
            rows between unbounded preceding and current row
        ) as stint
    from news

),

starts as (

    select
        *,
        lead(told_at) over (partition by person_customer_id order by stint) as next_start_at
    from numbered
    where is_start = 1

),

ends as (

    -- Leaving counts if it is the company that was named last.
    select
        starts.person_customer_id,
        starts.stint,
        min(numbered.told_at) as left_at
    from starts
    inner join numbered
        on
            starts.person_customer_id = numbered.person_customer_id
            and starts.stint = numbered.stint
            and starts.company_customer_id = numbered.company_customer_id
    where numbered.is_start = 0
    group by starts.person_customer_id, starts.stint

),

stints as (

    select
        starts.person_customer_id,
        starts.company_customer_id,
        starts.company_record_key,
        starts.stint,
        starts.title,
        starts.titled_at,
        starts.told_at as joined_at,
        coalesce(ends.left_at, starts.next_start_at) as left_at
    from starts
    left join ends
        on
            starts.person_customer_id = ends.person_customer_id
            and starts.stint = ends.stint

),

followed as (

    select
        *,
        lag(company_customer_id) over (partition by person_customer_id order by stint) as previous_company_id,
        lag(left_at) over (partition by person_customer_id order by stint) as previous_left_at
    from stints

),

grouped as (

    -- What goes on with the same company is one period.
    select
        *,
        count(*) filter (
            where previous_company_id is distinct from company_customer_id
            or previous_left_at is distinct from joined_at
        ) over (partition by person_customer_id order by stint) as period
    from followed

),

periods as (

    select
        person_customer_id,
        company_customer_id,
        (array_agg(title order by titled_at desc, stint desc) filter (where title is not null))[1] as title,
        (array_agg(split_part(company_record_key, '.', 1) order by stint))[1] as source,
        {{ reporting_date('min(joined_at)') }} as valid_from,
        case when count(left_at) = count(*) then {{ reporting_date('max(left_at)') }} end as valid_to
    from grouped
    group by person_customer_id, company_customer_id, period

)

select * from periods
where valid_to is null or valid_from < valid_to
