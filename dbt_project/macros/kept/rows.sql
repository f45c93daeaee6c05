{#- The statements of a kept model's night, one macro each; published rows have run_from and run_to. -#}

{#- The table for the rows, with the types of the contract where there is one; what else it asks of rows may change, and is
    asked of those worked out anew. -#}
{% macro kept_create(rows, sql, is_published) -%}
    {%- if is_published -%}
        {{ get_assert_columns_equivalent(sql) }}
        create table {{ rows }} (
            {% for column in model.columns.values() -%} {{ adapter.quote(column.name) }} {{ column.data_type }}, {% endfor %}
            run_from bigint not null,
            run_to bigint
        )
    {%- else -%}
        {#- By the adapter: its list of what there is hears of the views that go, too. -#}
        {%- do adapter.drop_relation(rows) -%} select 1
    {%- endif -%}
{%- endmacro %}

{% macro kept_fill(rows, sql, is_published, run_id) -%}
    {%- if is_published -%}
        insert into {{ rows }} ({{ kept_names() }}, run_from)
        select {{ kept_names() }}, {{ run_id }} from ({{ sql }}) as model_rows
    {%- else -%} create table {{ rows }} as {{ sql }}
    {%- endif -%}
{%- endmacro %}

{#- One row per key; published: one that goes on. And the model's own indexes. -#}
{% macro kept_index(rows, kept, is_published) -%}
    create unique index on {{ rows }} ({{ kept['key'] }}) {{ "where run_to is null" if is_published }};
    {% if is_published %} create index on {{ rows }} (run_to) where run_to is not null; {% endif %}
    {% for index in config.get('indexes', []) -%}
    create index on {{ rows }} ({{ index['columns'] | join(', ') }});
    {% endfor %}
{%- endmacro %}

{% macro kept_work_out(fresh, sql) -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
        create temporary table {{ fresh }} {{ get_table_columns_and_constraints() }} on commit drop;
        insert into {{ fresh }} ({{ kept_names() }}) select {{ kept_names() }} from ({{ sql }}) as model_rows;
    {%- else -%} create temporary table {{ fresh }} on commit drop as {{ sql }};
    {%- endif %}
    analyze {{ fresh }}
{%- endmacro %}

{#- Add the columns that the contract gained, in a transaction of its own and without patience: readers would wait for the
    model otherwise, and others behind them. -#}
{% macro kept_widen(rows) -%}
    {%- set present = run_query('select * from ' ~ rows ~ ' where false').column_names -%}
    {%- for name, column in model.columns.items() if name not in present -%}
        {% call statement('widen', auto_begin=False) -%}
            commit;
            begin;
            set local lock_timeout = '1s';
            alter table {{ rows }} add column {{ adapter.quote(name) }} {{ column.data_type }};
            commit;
            begin -- the driver thinks that its transaction goes on
        {%- endcall %}
    {%- endfor -%}
{%- endmacro %}

{#- A column that changed its type must not be published under its name (kehu.warehouse.publish). -#}
{% macro kept_refuse_retyped(rows, fresh) -%}
    {%- set retyped = run_query(
        "select kept_columns.attname from pg_attribute as kept_columns inner join pg_attribute as fresh_columns"
        ~ " on kept_columns.attname = fresh_columns.attname where kept_columns.attrelid = '" ~ rows ~ "'::regclass"
        ~ " and fresh_columns.attrelid = '" ~ fresh ~ "'::regclass and kept_columns.attnum > 0"
        ~ " and format_type(kept_columns.atttypid, kept_columns.atttypmod)"
        ~ " <> format_type(fresh_columns.atttypid, fresh_columns.atttypmod) order by 1"
    ).rows -%}
    {%- if retyped -%}
        {{ exceptions.raise_compiler_error(
            "column " ~ retyped[0][0] ~ " changed its type; readers still use it: publish the new shape as "
            ~ this.identifier ~ "_v2"
        ) }}
    {%- endif -%}
{%- endmacro %}

{%- macro kept_scope_column(scope, prefix='') -%}
    {%- if scope.get('is_nullable') -%} coalesce({{ prefix }}{{ scope['column'] }}, '') {%- else -%} {{ prefix }}{{ scope['column'] }} {%- endif -%}
{%- endmacro %}

{#- The rows that are no longer so (with their place), and those that are new. Where a scope bounds them, rows are fetched once: those
    of the same key and values have the same scope. -#}
{% macro kept_compare(rows, fresh, names, kept, consumed, is_published) -%}
    {%- set compared = names | reject('in', kept.get('by_night', {})) | list -%}
    {%- set is_bounded = consumed is not none -%}
    {%- set is_same %}
        {%- for column in kept['key'].split(', ') %}
        kept_rows.{{ column }} = fresh_rows.{{ column }} and
        {%- endfor %}
        ({{ kept_names(compared, 'kept_rows.') }}) is not distinct from ({{ kept_names(compared, 'fresh_rows.') }})
    {%- endset -%}
    {%- set before -%}
    select kept_rows.ctid as place, kept_rows.*
    from {{ rows }} as kept_rows
    where
        {{ "kept_rows.run_to is null" if is_published else "true" }}
        {% if is_bounded -%}
        and {{ kept_scope_column(kept['scope'], 'kept_rows.') }} in {{ changed_keys(consumed) }}
        {%- endif %}
    {%- endset -%}
    {%- set known = fresh ~ '_before' if is_bounded else '(' ~ before ~ ')' -%}
    {% if is_bounded -%}
    create temporary table {{ fresh }}_before on commit drop as {{ before }};
    analyze {{ fresh }}_before;
    {%- endif %}
    create temporary table {{ fresh }}_gone on commit drop as
    select kept_rows.*
    from {{ known }} as kept_rows
    where
        not exists (select 1 from {{ fresh }} as fresh_rows where {{ is_same }})
        {% if kept.get('nights') and not is_bounded -%}
        and kept_rows.{{ kept['nights'] }} = {{ as_of_date() }}
        {%- endif %};
    create temporary table {{ fresh }}_new on commit drop as
    select fresh_rows.*
    from {{ fresh }} as fresh_rows
    where not exists (select 1 from {{ known }} as kept_rows where {{ is_same }})
{%- endmacro %}

{#- What this run itself had written goes; what belongs to earlier runs ends. -#}
{% macro kept_remove(rows, fresh, is_published, run_id) -%}
    {%- if is_published -%}
    delete from {{ rows }} as kept_rows using {{ fresh }}_gone as gone
    where kept_rows.ctid = gone.place and gone.run_from = {{ run_id }};
    update {{ rows }} as kept_rows set run_to = {{ run_id }} from {{ fresh }}_gone as gone
    where kept_rows.ctid = gone.place and gone.run_from < {{ run_id }}
    {%- else -%}
    delete from {{ rows }} as kept_rows using {{ fresh }}_gone as gone where kept_rows.ctid = gone.place
    {%- endif -%}
{%- endmacro %}

{% macro kept_insert(rows, fresh, names, is_published, run_id) -%}
    insert into {{ rows }} ({{ kept_names(names) }} {{ ", run_from" if is_published }})
    select {{ kept_names(names) }} {{ ", " ~ run_id if is_published }} from {{ fresh }}_new
{%- endmacro %}

{#- What changed rows tell, as they were and as they are; null is told as ''. -#}
{% macro kept_tell(fresh, kept, run_id) -%}
    {%- for entity, columns in kept.get('tells', {}).items() -%}
    insert into ops.changed_keys (run_id, entity, key)
    select distinct cast({{ run_id }} as bigint), '{{ entity }}', told.key
    from (
        {%- for column in columns -%}
        {%- for part in ('gone', 'new') %}
        select coalesce(cast({{ column }} as text), '') as key from {{ fresh }}_{{ part }}
        {{ "union all" if not loop.last }}
        {%- endfor %}
        {{ "union all" if not loop.last }}
        {%- endfor %}
    ) as told;
    {% endfor -%}
    analyze ops.changed_keys
{%- endmacro %}

{% macro kept_tell_all(kept, run_id) -%}
    {%- for entity in kept.get('tells', {}) -%}
    insert into ops.changed_keys (run_id, entity) values ({{ run_id }}, '{{ entity }}');
    {% endfor -%}
    select 1
{%- endmacro %}
