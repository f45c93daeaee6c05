{#- Tests of a kept model read what changed since the last published run, whose rows passed them: the rest is as it was. That its
    key names one row is the task of its index, among all rows. -#}
{% macro get_where_subquery(relation) -%}
    {%- set changed = kept_changed_rows(relation) if execute and target.name != 'sandbox' else none -%}
    {%- if not changed -%}
        {{ return(default__get_where_subquery(relation)) }}
    {%- endif -%}
    {{ return("(select * from (" ~ changed ~ ") as changed_rows where " ~ (config.get('where') or 'true') ~ ") as dbt_subquery") }}
{%- endmacro %}

{#- A query of the rows of a kept model that this run may have changed; none for other models, and where all rows were worked out
    since the last published run. -#}
{% macro kept_changed_rows(relation) -%}
    {%- set kept = kept_meta(relation) -%}
    {%- set run_id = var('run_schema') | replace('run_', '') -%}
    {%- set before = kept_passed_run(relation, run_id) if kept and run_id.isdigit() else none -%}
    {%- if before is none -%}
        {{ return(none) }}
    {%- elif kept.get('is_published') -%}
        {{ return(
            "select * from kept." ~ relation.identifier ~ " where run_from > " ~ before ~ " and run_from <= " ~ run_id
            ~ " and (run_to is null or run_to > " ~ run_id ~ ")"
        ) }}
    {%- elif kept.get('scope') -%}
        {{ return(
            "select * from " ~ relation ~ " where " ~ kept_scope_column(kept['scope']) ~ " in " ~ told_keys(
                kept_entities(kept['scope'], relation.identifier), before, 'run_id', kept['scope'].get('type', 'text')
            )
        ) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- What the model of a relation tells of how it is kept; none if it is not. -#}
{% macro kept_meta(relation) -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.alias == relation.identifier and node.config.materialized == 'incremental' -%}
        {{ return(node.config.meta['kept']) }}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}

{#- The last published run before this one, if what it left of the model was changed row by row since. -#}
{% macro kept_passed_run(relation, run_id) -%}
    {%- set found = run_query(
        "select max(runs.run_id) from ops.runs as runs where runs.status = 'published' and runs.run_id < " ~ run_id
        ~ " having exists (select 1 from ops.model_states as states where states.model = '" ~ relation.identifier
        ~ "' and states.run_id = " ~ run_id ~ " and states.anew_run_id <= max(runs.run_id))"
    ) -%}
    {{ return(found.rows[0][0] if found.rows else none) }}
{%- endmacro %}
