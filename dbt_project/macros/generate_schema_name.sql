{#- Schemas are named by layer, without a prefix. What is published is built in a schema of this run; a sandbox is one schema. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if target.name == "sandbox" -%}{{ target.schema }}
    {%- elif custom_schema_name == "published" -%}{{ var("run_schema") }}
    {%- else -%}{{ custom_schema_name or target.schema }}
    {%- endif -%}
{%- endmacro %}
