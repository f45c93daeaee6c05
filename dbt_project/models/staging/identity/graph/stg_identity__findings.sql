-- Grain: one row per kind, finding and its subject.
select
    kind,
    finding,
    subject,
    count_records,
    reason
from {{ source('identity', 'findings') }}
