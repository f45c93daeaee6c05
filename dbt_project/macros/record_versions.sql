{#- The loads of a source whose rows are known on the night, as a subquery: accepted ones up to the night, of a file that was
    sent again its newest accepted version. Loads without a file all count. What corrects rows of a load counts with it. -#}
{% macro accepted_loads(source_name) -%}
        with counted as (
            {{ accepted_files(source_name) }}
        )

        select load_id from counted
        union all
        select replays.load_id
        from {{ source('ops', 'loads') }} as replays
        inner join counted on replays.replays_load_id = counted.load_id
        where replays.status = 'accepted'
{%- endmacro %}

{% macro accepted_files(source_name) -%}
        -- A file is known by its day, else by its name without its packing. Load ids grow with time.
        select max(load_id) as load_id
        from {{ source('ops', 'loads') }}
        where
            source = '{{ source_name }}'
            and status = 'accepted'
            and as_of_date <= {{ as_of_date() }}
            and replays_load_id is null
        group by
            entity,
            file_date,
            case when file_date is null then regexp_replace(file_name, '\.gz$', '') end,
            case when file_name is null then load_id end
{%- endmacro %}

{#- All versions of a source's records known on the night, as the body of a CTE: those of accepted loads up to the night,
    of a file that was sent again those of its newest accepted version, less what is quarantined, rows or single fields.
    Loads without a file all count. Where the installation does not read the source there is no raw table, and the CTE has no rows. -#}
{% macro record_versions(source_name, table) -%}
    {%- set raw = source(source_name, table) -%}
    {%- if not execute or adapter.get_relation(raw.database, raw.schema, raw.identifier) -%}
    select
        records._record_id as record_id,
        records._is_deleted as is_deleted,
        coalesce(
            records._changed_at,
            -- A deletion that Zoho tells of has no time of change, but one of its own.
            case
                when records._is_deleted and pg_input_is_valid(records.record ->> 'deleted_time', 'timestamptz')
                    then cast(records.record ->> 'deleted_time' as timestamptz)
            end
        ) as changed_at,
        case when aside.fields is null then records.record else records.record - aside.fields end as record,
        records._load_id as load_id,
        records._row_number as row_number
    from {{ raw }} as records
    inner join (
        {{ accepted_loads(source_name) }}
    ) as loads on records._load_id = loads.load_id
    left join (
        select
            load_id,
            row_number,
            array_agg(field) as fields
        from {{ source('ops', 'quarantined_values') }}
        group by 1, 2
    ) as aside
        on
            records._load_id = aside.load_id
            and records._row_number = aside.row_number
    where
        not exists (
            select 1
            from {{ source('ops', 'quarantine') }} as quarantine
            where
                quarantine.load_id = records._load_id
                and quarantine.row_number = records._row_number
        )
    {%- else -%}
    select
        cast(null as text) as record_id,
        cast(null as boolean) as is_deleted,
        cast(null as timestamptz) as changed_at,
        cast(null as jsonb) as record,
        cast(null as bigint) as load_id,
        cast(null as integer) as row_number
    where false
    {%- endif -%}
{%- endmacro %}

{#- A field of a record, or of an object inside it, as trimmed text; null where it is empty. -#}
{% macro record_text(field, inside=none) -%}
    nullif(trim(record {%- if inside %} -> '{{ inside }}' {%- endif %} ->> '{{ field }}'), '')
{%- endmacro %}

{#- The texts of several fields of a record as an array, without those that are empty. -#}
{% macro record_texts(fields) -%}
    array_remove(array[{%- for field in fields -%} {{ record_text(field) }}{{ ", " if not loop.last }} {%- endfor -%}], null)
{%- endmacro %}

{#- The id of the record that a lookup field of a CRM record points to. -#}
{% macro record_link(field) -%} nullif(trim(record -> '{{ field }}' ->> 'id'), '') {%- endmacro %}
