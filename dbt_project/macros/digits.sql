{#- The last nine of a phone number's digits, also those written full-width: the country's code and the zero that takes
    its place are written or not. Null for fewer digits than belong to anybody. -#}
{% macro digits(column) -%} right(substring(regexp_replace(normalize({{ column }}, nfkc), '[^0-9]', '', 'g') from '^\d{7,}$'), 9) {%- endmacro %}
