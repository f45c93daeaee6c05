{#- How this project builds incremental models: kept ones (macros/kept/scope.sql). Takes the place of dbt's own way, which can
    neither follow changes from model to model nor keep older runs readable. Works out the rows in scope, writes those that
    differ, tells what changed, and notes what is known now; all in one transaction. -#}
{% materialization incremental, adapter='postgres' %}
    {%- set kept = config.get('meta')['kept'] -%}
    {%- set is_published = kept.get('is_published', false) -%}
    {%- set rows = kept_relation() -%}
    {%- set consumed = kept_consumed() -%}
    {#- Whether rows may change that no told key and no run's number points to: tests then read all. -#}
    {%- set is_anew = not kept_has_valid_rows() if is_published else consumed is none -%}
    {%- set run_id = var('run_schema') | replace('run_', '') | int -%}
    {%- set fresh = this.identifier ~ '__fresh' -%}
    {%- set target_table = this.incorporate(type='table') -%}
    {%- set is_sandbox = target.name == 'sandbox' -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {% if is_published and not is_sandbox and kept_is_there() %} {% do kept_widen(rows) %} {% endif %}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% if is_sandbox %}
        {#- An analyst's sandbox is made afresh each time, and knows nothing of runs. -#}
        {% call statement('main') %} {{ get_create_table_as_sql(False, target_table, sql) }} {% endcall %}
        {% do create_indexes(target_table) %}
    {% else %}
    {% do run_query(kept_refuse_older_run(run_id)) %}

    {% if not kept_is_there() or not (is_published or kept_has_valid_rows()) %}
        {% do run_query(kept_create(rows, sql, is_published)) %}
        {% call statement('main') %} {{ kept_fill(rows, sql, is_published, run_id) }} {% endcall %}
        {% do run_query(kept_index(rows, kept, is_published)) %}
        {% do run_query(kept_tell_all(kept, run_id)) %}
    {% else %}
        {% if consumed is not none and kept['scope'].get('reached') %} {% do run_query(kept_reached(kept, run_id, consumed)) %} {% endif %}
        {% do run_query(kept_work_out(fresh, sql)) %}
        {%- set names = run_query('select * from ' ~ fresh ~ ' where false').column_names | list -%}
        {% if is_published %} {% do kept_refuse_retyped(rows, fresh) %} {% endif %}
        {% do run_query(kept_compare(rows, fresh, names, kept, consumed, is_published)) %}
        {% do run_query(kept_remove(rows, fresh, is_published, run_id)) %}
        {% call statement('main') %} {{ kept_insert(rows, fresh, names, is_published, run_id) }} {% endcall %}
        {% do run_query(kept_tell(fresh, kept, run_id)) %}
    {% endif %}

    {% do run_query(kept_note(kept, run_id, is_anew)) %}
    {% if is_published %} {% do run_query(kept_view(rows, run_id, kept)) %} {% endif %}
    {% do run_query('analyze ' ~ rows) %}
    {% endif %}

    {%- set built = this.incorporate(type='view') if is_published and not is_sandbox else target_table -%}
    {% do persist_docs(built, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [built]}) }}
{% endmaterialization %}

{#- Rows carry the numbers of the runs they belong to: an older run must not write after a newer one. -#}
{% macro kept_refuse_older_run(run_id) -%}
    do $$ begin
        if exists (select 1 from ops.model_states where model = '{{ this.identifier }}' and run_id > {{ run_id }}) then
            raise exception 'run {{ run_id }} is older than the one that built {{ this.identifier }} last; start a new run';
        end if;
    end $$
{%- endmacro %}

{% macro kept_has_valid_rows() -%}
    {{ return(run_query('select exists (select 1 from ops.model_states as states where ' ~ kept_is_valid() ~ ')').rows[0][0]) }}
{%- endmacro %}

{#- Note what the rows are made of; models upstream are done, so all that they have told is known. -#}
{% macro kept_note(kept, run_id, is_anew) -%}
    {%- set entities = kept_entities(kept['scope']) if kept.get('scope') else [] -%}
    insert into ops.model_states (model, code_version, run_id, anew_run_id, by_night, nights, consumed)
    values (
        '{{ this.identifier }}', '{{ var("code_version") }}', {{ run_id }}, {{ run_id if is_anew else "null" }},
        '{{ tojson(kept_by_night(kept)) }}',
        {{ "'" ~ kept['nights'] ~ "'" if kept.get('nights') else "null" }},
        {% if entities -%}
        coalesce((select max(seq) from ops.changed_keys where entity in {{ quoted_list(entities) }}), 0)
        {%- else -%} 0 {%- endif %}
    )
    on conflict (model) do update set
        code_version = excluded.code_version, run_id = excluded.run_id, by_night = excluded.by_night,
        nights = excluded.nights,
        consumed = excluded.consumed,
        anew_run_id = coalesce(excluded.anew_run_id, model_states.anew_run_id)
{%- endmacro %}

{#- The run's rows, under the name by which other models and the store know them. -#}
{% macro kept_view(rows, run_id, kept) -%}
    drop view if exists {{ this }} cascade;
    create view {{ this }} as
    select
        {% for name in model.columns -%}
        {{ kept_by_night(kept)[name].replace('{day}', as_of_date()) ~ ' as ' if name in kept.get('by_night', {}) }}
        {{- adapter.quote(name) }}{{ "," if not loop.last }}
        {% endfor -%}
    from {{ rows }}
    where
        run_from <= {{ run_id }}
        and (run_to is null or run_to > {{ run_id }})
        {% if kept.get('nights') %} and {{ kept['nights'] }} <= {{ as_of_date() }} {% endif %}
{%- endmacro %}

{#- The columns that follow from the run's day, as SQL of the contract's type. -#}
{% macro kept_by_night(kept) -%}
    {%- set columns = {} -%}
    {%- for name, value in kept.get('by_night', {}).items() -%}
        {%- do columns.update({name: 'cast(' ~ value ~ ' as ' ~ model.columns[name].data_type ~ ')'}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{#- Names of columns, quoted, with commas: those of the contract unless others are given. -#}
{% macro kept_names(names=none, prefix='') -%}
    {% for name in names or model.columns -%} {{ prefix }}{{ adapter.quote(name) }}{{ ", " if not loop.last }} {%- endfor %}
{%- endmacro %}
