{#- Collect planner statistics for a table just built; views have none. -#}
{% macro analyze_table(relation) -%}
    {%- if execute and model.config.materialized == 'table' -%} analyze {{ relation }} {%- endif -%}
{%- endmacro %}
