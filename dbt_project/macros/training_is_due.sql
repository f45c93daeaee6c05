{#- Whether a question has no champion that scores the night (ml.registry.speakers), so that the night trains one. -#}
{% macro training_is_due() -%}
    coalesce(
        (
            select bool_or(speakers.horizon_days is distinct from {{ var('churn_horizon_days') }})
            from ml.speakers as speakers
            where speakers.as_of_date = {{ as_of_date() }}
        ),
        true
    )
{%- endmacro %}
