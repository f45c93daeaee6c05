{#- The newest accepted version of each of the shop's daily files up to the night, as the body of a CTE. -#}
{% macro newest_loads(source_name, entity) -%}
    select
        load_id,
        file_date
    from (
        select
            load_id,
            file_date,
            row_number() over (partition by file_date order by load_id desc) as version_rank
        from {{ source('ops', 'loads') }}
        where
            source = '{{ source_name }}'
            and entity = '{{ entity }}'
            and status = 'accepted'
            and file_date <= {{ as_of_date() }}
    ) as versions
    where version_rank = 1
{%- endmacro %}
