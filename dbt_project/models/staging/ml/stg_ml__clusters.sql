-- Grain: one row per cluster of the night.
select
    cluster_id,
    as_of_date,
    cluster_name,
    description,
    count_customers,
    kept_share
from {{ source('ml', 'clusters') }}
where as_of_date = {{ as_of_date() }}
