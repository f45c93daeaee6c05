-- Grain: one row per channel by which customers buy, write, speak or are reached.
select
    channel,
    channel_group,
    name_en,
    name_zh,
    is_personal
from {{ ref('channels') }}
