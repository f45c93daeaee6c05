{#- Kept models: what a night has to work out.

    A kept model stays from night to night. config.meta.kept tells
      key: the column that names a row;
      scope: {column, entities, type}: the rows to work out anew are those whose column is among the keys of these entities that
        upstream models changed since this model was built last; without a scope all rows are worked out, and compared;
      tells: {entity: [columns]}: what to tell the models downstream of each changed row, before and after;
      is_published: whether the rows belong to runs, so that an older run can still be read. -#}

{#- Of ops.changed_keys what the model knows already; none where all rows have to be worked out: at the first time, after a
    change of the code, or if upstream did so. -#}
{% macro kept_consumed() -%}
    {%- if not execute or model.resource_type != 'model' or config.get('materialized') != 'incremental'
        or target.name == 'sandbox' -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set scope = config.get('meta')['kept'].get('scope') -%}
    {%- if not scope or not kept_is_there() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set found = run_query(
        "select states.consumed from ops.model_states as states where " ~ kept_is_valid()
        ~ " and not exists (select 1 from ops.changed_keys as changed where changed.key is null and changed.seq > states.consumed"
        ~ " and changed.entity in " ~ quoted_list(scope['entities']) ~ ")"
    ) -%}
    {{ return(found.rows[0][0] if found.rows else none) }}
{%- endmacro %}

{#- Whether a row of ops.model_states (states) is of this model, of this code, and not older than what the log still tells. -#}
{% macro kept_is_valid() -%}
    states.model = '{{ this.identifier }}'
    and states.code_version = '{{ var("code_version") }}'
    and states.run_id >= coalesce((select min(runs.run_id) from ops.runs as runs where runs.status = 'published'), 0)
{%- endmacro %}

{#- The relation that holds a kept model's rows. -#}
{% macro kept_relation() -%}
    {%- set is_published = config.get('meta')['kept'].get('is_published', false) -%}
    {{ return(api.Relation.create(database=this.database, schema='kept', identifier=this.identifier, type='table')
        if is_published else this.incorporate(type='table')) }}
{%- endmacro %}

{% macro kept_is_there() -%}
    {{ return(run_query("select to_regclass('" ~ kept_relation().include(database=False) ~ "') is not null").rows[0][0]) }}
{%- endmacro %}

{#- The keys that changed upstream, as a subquery. -#}
{% macro changed_keys(consumed) -%}
    (
        select cast(changed.key as {{ config.get('meta')['kept']['scope'].get('type', 'text') }}) from ops.changed_keys as changed
        where
            changed.seq > {{ consumed }}
            and changed.entity in {{ quoted_list(config.get('meta')['kept']['scope']['entities']) }}
    )
{%- endmacro %}

{#- The condition that a row is to be worked out this night; `column` is what the upstream relation calls the scope's column. -#}
{% macro in_scope(column) -%}
    {%- set consumed = kept_consumed() -%}
    {%- if consumed is none -%} true {%- else -%} {{ column }} in {{ changed_keys(consumed) }} {%- endif -%}
{%- endmacro %}

{% macro quoted_list(values) -%} ({% for value in values %}'{{ value }}'{{ ", " if not loop.last }}{% endfor %}) {%- endmacro %}
