{#- Schemas are named by layer, without a prefix. What is published is built in a schema of this run. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name == "published" -%}{{ var("run_schema") }}
    {%- else -%}{{ custom_schema_name or target.schema }}
    {%- endif -%}
{%- endmacro %}
