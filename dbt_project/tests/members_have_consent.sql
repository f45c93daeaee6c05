-- Nobody is on a list tonight by a way that a consent stands against; told from the consents themselves, list by list.
with

members as (

    select
        members.list_key,
        members.customer_id,
        members.channel,
        lists.purpose,
        lists.consent_basis
    from {{ ref('fct_list_members') }} as members
    inner join {{ ref('dim_lists') }} as lists on members.list_id = lists.list_id
    where members.is_current

),

consents as (

    select * from {{ ref('fct_consents') }}
    where is_current

)

select members.*
from members
where
    exists (
        select 1 from consents
        where
            consents.customer_id = members.customer_id
            and consents.channel in (members.channel, 'unknown')
            and consents.purpose in (members.purpose, 'unknown')
            and consents.status = 'withdrawn'
    )
    or (
        members.consent_basis = 'opt_in'
        and not exists (
            select 1 from consents
            where
                consents.customer_id = members.customer_id
                and consents.channel = members.channel
                and consents.purpose = members.purpose
                and consents.status = 'given'
        )
    )
