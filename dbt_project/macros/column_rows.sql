{#- The rows of a file with columns known on the night, as the body of a CTE: those of the newest accepted version of each
    file, less what is quarantined. A column that the file does not have is null. Where the installation does not read the
    source there is no raw table, and no row. -#}
{% macro column_rows(source_name, table, columns) -%}
    {%- set raw = source(source_name, table) -%}
    {%- if not execute or adapter.get_relation(raw.database, raw.schema, raw.identifier) -%}
    {%- set present = adapter.get_columns_in_relation(raw) | map(attribute='name') | list if execute else [] -%}
    select
        {% for column in columns -%}
        {%- if not execute or column in present -%} lines."{{ column }}", {% else -%} cast(null as text) as "{{ column }}", {% endif -%}
        {%- endfor %}
        lines._load_id as load_id,
        lines._row_number as row_number
    from {{ raw }} as lines
    inner join (
        {{ accepted_loads(source_name) }}
    ) as loads on lines._load_id = loads.load_id
    where
        not exists (
            select 1
            from {{ source('ops', 'quarantine') }} as quarantine
            where
                quarantine.load_id = lines._load_id
                and quarantine.row_number = lines._row_number
        )
    {%- else -%}
    select
        {% for column in columns -%} cast(null as text) as "{{ column }}", {% endfor %}
        cast(null as bigint) as load_id,
        cast(null as integer) as row_number
    where false
    {%- endif -%}
{%- endmacro %}
