-- Grain: one row per customer and period that had begun by the night; later nights may be kept already.
select
    customer_id,
    {{ kept_field_columns() }},
    sealed,
    valid_from,
    {{ ended_on('valid_to') }} as valid_to
from {{ source('history', 'customers') }}
where valid_from <= {{ as_of_date() }}
