{#- The loads of a source's daily files that count up to the night, as the body of a CTE: of each file its newest accepted
    version, and what corrects rows of it. Load ids grow with time. -#}
{% macro newest_loads(source_name, entity) -%}
    {{ newest_files(source_name, entity) }}
    union all
    select
        replays.file_date,
        replays.load_id
    from {{ source('ops', 'loads') }} as replays
    where
        replays.status = 'accepted'
        and replays.replays_load_id in (
            select newest.load_id
            from (
                {{ newest_files(source_name, entity) }}
            ) as newest
        )
{%- endmacro %}

{#- Of each file its newest accepted version. Grouping, unlike a ranked row, lets the planner know how many to expect. -#}
{% macro newest_files(source_name, entity) -%}
    select
        file_date,
        max(load_id) as load_id
    from {{ source('ops', 'loads') }}
    where
        source = '{{ source_name }}'
        and entity = '{{ entity }}'
        and status = 'accepted'
        and file_date <= {{ as_of_date() }}
        and replays_load_id is null
    group by 1
{%- endmacro %}
