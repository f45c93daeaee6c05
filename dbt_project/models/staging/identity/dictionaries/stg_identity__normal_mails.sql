-- Grain: one row per mail address ever written.
select
    raw,
    mail
from {{ source('identity', 'normal_mails') }}
