-- Grain: one row per question, monitor and what it tells of on the night.
-- Chance alone must raise no alert: where few customers are measured and what chance stays below is known, that is the threshold.
with

monitors as (

    select
        *,
        case
            when
                monitor = 'input_drift'
                and subject in {{ quoted_list(var('monitor_ageing_inputs')) }}
                then null
            when monitor in ('input_drift', 'score_drift') then greatest({{ var('monitor_drift') }}, chance_value)
            when monitor = 'calibration_error'
                then greatest(
                    {{ var('monitor_calibration_error') }},
                    chance_value,
                    expected_value + {{ var('monitor_calibration_loss') }}
                )
            when monitor = 'recall_at_contact_share' then expected_value - {{ var('monitor_recall_loss') }}
            when monitor = 'total_error' then greatest({{ var('monitor_total_error') }}, chance_value)
            when monitor = 'normalised_gini' then expected_value - {{ var('monitor_gini_loss') }}
        end as threshold
    from {{ ref('stg_ml__monitors') }}

)

select
    as_of_date,
    question,
    monitor,
    subject,
    model_version,
    value,
    cast(threshold as double precision) as threshold,
    coalesce(
        case
            when monitor in ('recall_at_contact_share', 'normalised_gini') then value < threshold
            else value > threshold
        end, false
    ) as is_alert,
    chance_value,
    expected_value,
    reference_date,
    cast(count_rows as integer) as count_customers,
    nullif(note, '') as note
from monitors
