{#- Answers, satisfied ones and who answered, of each level of each driver, as the body of a CTE; rows where a driver is not known are left out. -#}
{% macro driver_levels(answers, drivers) -%}
    {%- for driver in drivers %}
    select
        survey,
        '{{ driver }}' as driver,
        {{ driver }} as level,
        count(*) as count_answers,
        count(*) filter (where is_satisfied) as count_satisfied,
        count(distinct respondent) as count_respondents
    from {{ answers }}
    where {{ driver }} is not null
    group by survey, {{ driver }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}
