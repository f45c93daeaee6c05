{#- The id of a customer of whom an account is all that is known. Identity gives no id that looks like it. -#}
{% macro account_customer(column) -%} 'account ' || {{ column }} {%- endmacro %}
