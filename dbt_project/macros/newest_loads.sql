{#- The newest accepted version of each of a source's daily files up to the night, as the body of a CTE.
    Load ids grow with time. Grouping, unlike a ranked row, lets the planner know how many loads to expect. -#}
{% macro newest_loads(source_name, entity) -%}
    select
        file_date,
        max(load_id) as load_id
    from {{ source('ops', 'loads') }}
    where
        source = '{{ source_name }}'
        and entity = '{{ entity }}'
        and status = 'accepted'
        and file_date <= {{ as_of_date() }}
    group by 1
{%- endmacro %}
