{#- Whether a group of customers is too small to be shown: fewer than var least_group, and not none. -#}
{% macro is_small_group(count) -%}
    ({{ count }} > 0 and {{ count }} < {{ var('least_group') }})
{%- endmacro %}

{#- The same of a part of a group: too small itself, or the rest of the group is, or the group. -#}
{% macro is_small_part(count, count_all) -%}
    ({{ is_small_group(count) }} or {{ is_small_group(count_all) }} or {{ is_small_group('(' ~ count_all ~ ' - ' ~ count ~ ')') }})
{%- endmacro %}

{#- The rows of `relation` with `column`, as CTEs of which the last is called `name`: true for rows that are too small (`is_small`,
    SQL), and for as many more that no total gives one back. In each of the `totals` (lists of columns whose groups of rows add up to
    something that is known) hidden rows are none, or at least two that are of var least_group customers together; the smallest others
    are hidden for that. Where two totals cross, hiding for one may undo the other: they take turns, and if the last turn still
    changed something, all rows are hidden. `key`: columns that order equal counts. -#}
{% macro hidden_groups(name, relation, count, is_small, totals, key, column='is_hidden') -%}
    {%- set turns = 1 if totals | length == 1 else 5 -%}
    {{ name }}_0 as (

        select
            *,
            coalesce({{ is_small }}, false) as {{ column }}_0
        from {{ relation }}

    ),
    {%- set state = namespace(step=0) -%}
    {%- for turn in range(turns) -%}
        {%- for total in totals %}
            {%- set hidden = column ~ "_" ~ state.step %}
            {%- set part = "partition by " ~ total | join(", ") if total else "" %}
            {%- set before = "(" ~ part ~ " order by " ~ count ~ ", " ~ key | join(", ")
                ~ " rows between unbounded preceding and 1 preceding)" %}

    {{ name }}_{{ state.step + 1 }} as (

        select
            *,
            {{ hidden }} or (
                {{ count }} > 0
                and count(*) filter (where {{ hidden }} and {{ count }} > 0) over ({{ part }}) > 0
                and (
                    coalesce(sum({{ count }}) filter (where {{ hidden }}) over ({{ part }}), 0)
                    + coalesce(sum({{ count }}) filter (where not {{ hidden }}) over {{ before }}, 0) < {{ var('least_group') }}
                    or count(*) filter (where {{ hidden }} and {{ count }} > 0) over ({{ part }})
                    + count(*) filter (where not {{ hidden }} and {{ count }} > 0) over {{ before }} < 2
                )
            ) as {{ column }}_{{ state.step + 1 }}
        from {{ name }}_{{ state.step }}

    ),
            {%- set state.step = state.step + 1 -%}
        {%- endfor -%}
    {%- endfor %}

    {{ name }} as (

        select
            *,
            {{ column }}_{{ state.step }}
            {%- if turns > 1 %}
            or bool_or({{ column }}_{{ state.step }} <> {{ column }}_{{ state.step - totals | length }}) over ()
            {%- endif %} as {{ column }}
        from {{ name }}_{{ state.step }}

    )
{%- endmacro %}

{#- A figure of a group, or null where the group is hidden. -#}
{% macro shown(figure, is_hidden) -%}
    case when not {{ is_hidden }} then {{ figure }} end
{%- endmacro %}
