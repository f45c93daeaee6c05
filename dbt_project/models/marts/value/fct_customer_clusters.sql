-- Grain: one row per customer with a cluster on the night.
with

members as (

    select * from {{ ref('stg_ml__customer_clusters') }}

),

clusters as (

    select * from {{ ref('stg_ml__clusters') }}

)

select
    members.customer_id,
    members.as_of_date,
    members.cluster_id,
    clusters.cluster_name,
    clusters.description as cluster_description,
    clusters.count_customers as cluster_count_customers,
    clusters.kept_share as cluster_kept_share,
    members.centre_distance,
    members.model_version as cluster_model_version,
    members.scored_at
from members
inner join clusters on members.cluster_id = clusters.cluster_id
