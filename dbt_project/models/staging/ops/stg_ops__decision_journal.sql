-- Grain: one row per export and row of a list that was handed out before the night; what tonight hands out is known tomorrow.
select
    export_id,
    list_key,
    list_id,
    customer_id,
    occasion,
    channel,
    cost,
    as_of_date
from {{ source('ops', 'decision_journal') }}
where as_of_date < {{ as_of_date() }}
