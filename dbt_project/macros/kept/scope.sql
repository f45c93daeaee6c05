{#- Kept models: what a night has to work out.

    A kept model stays from night to night. config.meta.kept tells
      key: the column that names a row, or several, with ', ' between;
      scope: {column, entities, type, reached}: the rows to work out anew are those whose column is among the keys of these
        entities that upstream models changed since this model was built last; without a scope all rows are worked out, and
        compared; reached: a macro that selects further keys (kept_reached); is_nullable: whether the column may be null, which
        is told as '' and asked for with in_scope("coalesce(column, '')");
      tells: {entity: [columns]}: what to tell the models downstream of each changed row, before and after;
      is_published: whether the rows belong to runs, so that an older run can still be read;
      nights: the column that tells whose night a row is, in a published model without a scope: a night works out its own rows
        alone, those of other nights stay as they are, and a run shows none of nights later than its own;
      by_night: {column: SQL} of a published model: columns that are another value on each night, though nothing happened. They
        do not make a row differ: readers get them worked out from the row's other columns and the run's day, `{day}`. -#}

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
        ~ " and changed.entity in " ~ quoted_list(kept_entities(scope)) ~ ")"
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

{#- The keys of these entities that were told later than `after`, which `column` (seq, run_id) measures, as a subquery. -#}
{% macro told_keys(entities, after, column='seq', type='text') -%}
    (
        select cast(changed.key as {{ type }}) from ops.changed_keys as changed
        where
            changed.{{ column }} > {{ after }}
            and changed.entity in {{ quoted_list(entities) }}
    )
{%- endmacro %}

{#- What a reached macro reads of the told keys. The scope names these entities too, though their keys are none of its column:
    only so is it heard when all of them change at once. -#}
{% macro reached_keys(entities, consumed) -%}
    {%- set scope = config.get('meta')['kept']['scope'] -%}
    {%- for entity in entities if entity not in scope['entities'] -%}
        {{ exceptions.raise_compiler_error(model.name ~ ": scope.reached reads '" ~ entity ~ "', which scope.entities does not name") }}
    {%- endfor -%}
    {{ told_keys(entities, consumed) }}
{%- endmacro %}

{#- The keys that changed upstream of this model, as a subquery. -#}
{% macro changed_keys(consumed) -%}
    {%- set scope = config.get('meta')['kept']['scope'] -%}
    {{ told_keys(kept_entities(scope), consumed, type=scope.get('type', 'text')) }}
{%- endmacro %}

{#- The entities that a model follows; keys that it reaches by itself have its own name. -#}
{% macro kept_entities(scope, name=model.name) -%}
    {{ return(scope['entities'] + ([name] if scope.get('reached') else [])) }}
{%- endmacro %}

{#- Tell the keys that the scope's macro selects as `key`: rows that are otherwise tonight, though no key of theirs was told. It gets
    the first and the last day, as SQL, of those on which the night before and this one differ (either may be the later one),
    and how much of ops.changed_keys is known. -#}
{% macro kept_reached(kept, run_id, consumed) -%}
    {%- set days = run_query(
        "select least(runs.as_of_date, " ~ as_of_date() ~ ") + 1, greatest(runs.as_of_date, " ~ as_of_date() ~ ")"
        ~ " from ops.model_states as states inner join ops.runs as runs on states.run_id = runs.run_id"
        ~ " where states.model = '" ~ this.identifier ~ "'"
    ).rows[0] -%}
    {%- set reached = context[kept['scope']['reached']] -%}
    insert into ops.changed_keys (run_id, entity, key)
    select distinct cast({{ run_id }} as bigint), '{{ model.name }}', cast(reached.key as text)
    from ({{ reached("date '" ~ days[0] ~ "'", "date '" ~ days[1] ~ "'", consumed) }}) as reached
    where reached.key is not null
{%- endmacro %}

{#- The condition that a row is to be worked out this night; `column` is what the upstream relation calls the scope's column. -#}
{% macro in_scope(column) -%}
    {%- set consumed = kept_consumed() -%}
    {%- if consumed is none -%} true {%- else -%} {{ column }} in {{ changed_keys(consumed) }} {%- endif -%}
{%- endmacro %}

{% macro quoted_list(values) -%} ({% for value in values %}'{{ value }}'{{ ", " if not loop.last }}{% endfor %}) {%- endmacro %}
