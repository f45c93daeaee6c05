-- Grain: one row per customer and channel of which the customer's consents say something on the night.
with

told as (

    select
        consents.customer_id,
        channels.channel,
        consents.purpose,
        consents.status
    from {{ ref('fct_consents') }} as consents
    -- What does not tell its channel goes for all of them, as far as it is a withdrawal.
    inner join (values ('phone'), ('mail'), ('sms'), ('post'), ('visit')) as channels (channel)
        on
            consents.channel = channels.channel
            or (consents.channel = 'unknown' and consents.status = 'withdrawn')
    where
        consents.is_current
        and consents.customer_id is not null

)

select
    customer_id,
    channel,
    coalesce(array_agg(distinct purpose) filter (where status = 'given'), cast('{}' as text[])) as given_purposes,
    coalesce(array_agg(distinct purpose) filter (where status = 'withdrawn'), cast('{}' as text[])) as withdrawn_purposes
from told
group by customer_id, channel
