{#- Which marts are built from a raw table, directly or through other models, as a list of names. -#}
{% macro marts_fed_by(source_id) -%}
    {%- set fed = namespace(ids=[source_id], names=[]) -%}
    {%- if execute -%}
        {#- Models are not listed by their place in the lineage: as many rounds as there are layers find them all. -#}
        {%- for round in range(12) -%}
            {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.unique_id not in fed.ids -%}
                {%- if node.depends_on.nodes | select('in', fed.ids) | list -%}
                    {%- do fed.ids.append(node.unique_id) -%}
                    {%- if node.fqn[1] in ('marts', 'publish') -%} {%- do fed.names.append(node.name) -%} {%- endif -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(fed.names | sort) }}
{%- endmacro %}

{#- The raw tables that models read, as opposed to the warehouse's own books, by their names. -#}
{% macro raw_tables() -%}
    {%- set nodes = [] -%}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.schema.startswith('raw_') -%} {%- do nodes.append(node) -%} {%- endfor -%}
    {%- endif -%}
    {{ return(nodes | sort(attribute='unique_id')) }}
{%- endmacro %}
