{#- The records of a staged relation of versions as they are on the night, as the body of a CTE: of each the newest version,
    those that are deleted left out. The order is the one that identity knows: what arrives after a deletion is newer than
    it (a record that was restored need not have changed), else the version that was changed last. -#}
{% macro current_records(relation, record_id) -%}
    select * from (
        select
            versions.*,
            row_number() over (
                partition by versions.{{ record_id }}
                order by versions.changed_at desc, versions.load_id desc, versions.row_number desc
            ) as recency
        from (
            select
                told.*,
                first_value(told.is_deleted) over (
                    partition by told.{{ record_id }}
                    order by told.load_id desc, told.row_number desc
                ) as is_gone
            from {{ relation }} as told
        ) as versions
        where
            not versions.is_deleted
            and not versions.is_gone
    ) as ranked
    where recency = 1
{%- endmacro %}
