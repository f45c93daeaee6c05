{#- The key of a version of a tag. -#}
{% macro tag_key(tag_id, version) -%} {{ tag_id }} || '/' || cast({{ version }} as text) {%- endmacro %}
