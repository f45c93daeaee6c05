{#- The lower ('-') or upper ('+') bound of the 95 % interval of a share (Wilson, E. B. (1927), Probable Inference, the
    Law of Succession, and Statistical Inference. JASA 22): right for few and for shares near 0 and 1. Null for no rows. -#}
{% macro wilson_bound(count_hits, count_all, side) -%}
    {%- set z = 1.959963985 -%}
    {%- set n = "cast(" ~ count_all ~ " as double precision)" -%}
    {%- set p = "(cast(" ~ count_hits ~ " as double precision) / " ~ n ~ ")" -%}
    case
        when {{ count_all }} > 0
            then
                least(
                    greatest(
                        (
                            {{ p }} + {{ z * z / 2 }} / {{ n }}
                            {{ side }} {{ z }} * sqrt({{ p }} * (1 - {{ p }}) / {{ n }} + {{ z * z / 4 }} / ({{ n }} * {{ n }}))
                        ) / (1 + {{ z * z }} / {{ n }}),
                        0
                    ),
                    1
                )
    end
{%- endmacro %}

{#- A bound of the 95 % interval of the difference of two shares, `a` less `b`, each with columns <name>_share, <name>_low and
    <name>_high (Newcombe, R. G. (1998), Interval Estimation for the Difference between Independent Proportions.
    Statistics in Medicine 17, method 10). -#}
{% macro newcombe_bound(a, b, side) -%}
    {%- set of_a, of_b = ('low', 'high') if side == '-' else ('high', 'low') -%}
    {{ a }}_share - {{ b }}_share {{ side }} sqrt(
        power({{ a }}_share - {{ a }}_{{ of_a }}, 2) + power({{ b }}_{{ of_b }} - {{ b }}_share, 2)
    )
{%- endmacro %}
