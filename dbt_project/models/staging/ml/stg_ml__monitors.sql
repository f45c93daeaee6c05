-- Grain: one row per question, monitor and what it tells of on the night.
select
    as_of_date,
    question,
    monitor,
    subject,
    model_version,
    value,
    chance_value,
    expected_value,
    reference_date,
    count_rows,
    note
from {{ source('ml', 'monitors') }}
where as_of_date = {{ as_of_date() }}
