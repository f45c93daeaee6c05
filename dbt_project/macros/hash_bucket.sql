{#- A text's place among `count` buckets, 0 to count - 1: the same on each night and machine. -#}
{% macro hash_bucket(column, count) -%}
mod(cast(cast('x' || substr(md5({{ column }}), 1, 8) as bit(32)) as bigint), {{ count }})
{%- endmacro %}
