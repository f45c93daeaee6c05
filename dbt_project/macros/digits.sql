{#- A phone number's digits, also those written full-width; null for fewer than belong to anybody. -#}
{% macro digits(column) -%} substring(regexp_replace(normalize({{ column }}, nfkc), '[^0-9]', '', 'g') from '^\d{7,}$') {%- endmacro %}
