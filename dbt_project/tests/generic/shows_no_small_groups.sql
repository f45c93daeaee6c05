{#- Counts of customers are none, null, or of var least_group customers at least. -#}
{% test shows_no_small_groups(model, counts) %}
select *
from {{ model }}
where {% for count in counts %}{{ "or " if not loop.first }}{{ is_small_group(count) }} {% endfor %}
{% endtest %}
