-- Grain: one row per customer in a cluster on the night.
select
    customer_id,
    as_of_date,
    cluster_id,
    centre_distance,
    model_version,
    scored_at
from {{ source('ml', 'customer_clusters') }}
where as_of_date = {{ as_of_date() }}
