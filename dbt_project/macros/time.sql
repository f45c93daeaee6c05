{#- The night's last day as a date literal. -#}
{% macro as_of_date() -%} cast('{{ var("as_of_date") }}' as date) {%- endmacro %}

{#- The moment the night's last day ends: 00:00 UTC of the next day. A day is added before the zone comes in: where the
    session's zone changes its clocks, a moment and a day later is 23 or 25 hours later. -#}
{% macro as_of_end() -%} ((cast('{{ var("as_of_date") }}' as timestamp) + interval '1 day') at time zone 'UTC') {%- endmacro %}

{#- A local wall-clock time of the shop as a point in time. -#}
{% macro shop_time(column) -%} (cast({{ column }} as timestamp) at time zone '{{ var("shop_time_zone") }}') {%- endmacro %}

{#- The calendar day of a point in time in the reporting zone. -#}
{% macro reporting_date(column) -%} cast({{ column }} at time zone '{{ var("reporting_time_zone") }}' as date) {%- endmacro %}
