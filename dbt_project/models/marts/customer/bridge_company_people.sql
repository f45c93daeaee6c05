-- Grain: one row per company, person, and period in which the person belonged to the company, as known on the night.
{{ config(indexes=[{'columns': ['customer_id']}]) }}
with

periods as (

    select
        *,
        -- What is dated after the night has not happened yet.
        case when valid_to <= {{ as_of_date() }} then valid_to end as ended_on
    from {{ ref('int_company_people__matched') }}
    where valid_from <= {{ as_of_date() }}

)

select
    company_customer_id as company_id,
    person_customer_id as customer_id,
    title,
    valid_from,
    ended_on as valid_to,
    ended_on is null as is_current,
    source
from periods
