-- Grain: one row per list, customer and occasion that was handed out before the night. Of customers who were merged since, the
-- key that was handed out first goes on.
select distinct on (list_id, customer_id, occasion)
    list_id,
    customer_id,
    occasion,
    list_key,
    channel,
    first_exported_on
from {{ ref('lst_keys') }}
where
    first_exported_on is not null
    and customer_id is not null
order by list_id, customer_id, occasion, first_exported_on, list_key
