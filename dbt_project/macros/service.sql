{#- The day of a point in time on the service desk's clock. -#}
{% macro service_date(at) -%} cast({{ at }} at time zone '{{ var("service_time_zone") }}' as date) {%- endmacro %}

{#- Seconds of service from the calendar's beginning to a point in time; `days` is its day in int_business_days__accumulated.
    Null where the calendar does not know the day. Two of them make a span's business time without a row per day between. -#}
{% macro service_seconds(at, days) -%}
    ({{ days }}.seconds_before + coalesce(
        extract(epoch from least(greatest({{ at }}, {{ days }}.opens_at), {{ days }}.closes_at) - {{ days }}.opens_at), 0
    ))
{%- endmacro %}

{#- Seconds as minutes. -#}
{% macro as_minutes(seconds) -%} cast(round({{ seconds }} / 60, 2) as numeric(14, 2)) {%- endmacro %}

{#- Why the minutes of a span are null although its end is known. -#}
{% macro span_problem(begins_at, ends_at, begin_days, end_days) -%}
    case
        when {{ ends_at }} is null then null
        when {{ begins_at }} is null then 'start_unknown'
        when {{ ends_at }} < {{ begins_at }} then 'ends_before_start'
        when {{ begin_days }}.date_day is null or {{ end_days }}.date_day is null then 'outside_calendar'
    end
{%- endmacro %}

{#- What a source calls a channel, in one set of codes. -#}
{% macro service_channel(column) -%}
    case
        when {{ column }} is null then null
        when lower({{ column }}) in ('mail', 'email', 'e-mail') then 'mail'
        when lower({{ column }}) in ('phone', 'call', 'telephone') then 'phone'
        when lower({{ column }}) in ('web', 'web_form', 'web form', 'form') then 'web_form'
        when lower({{ column }}) in ('chat', 'visit') then lower({{ column }})
        else 'other'
    end
{%- endmacro %}

{#- Whether a status of a request means that nothing is left to do. -#}
{% macro is_final_status(column) -%} coalesce({{ column }} in ('solved', 'closed'), false) {%- endmacro %}
