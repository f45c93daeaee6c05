{#- Whether a customer belongs to the permanent hold-out group. The hash depends on the id alone, and of customers who are merged
    the oldest id lives on, so that its group does too. A greater share keeps all who were held out before. -#}
{% macro is_held_out(customer_id) -%}
    ({{ hash_bucket("'" ~ var('list_holdout_salt') ~ "' || " ~ customer_id, 4294967296) }} < {{ var('list_holdout_share') }} * 4294967296)
{%- endmacro %}
