{#- What a text is known by where it must not be kept: its SHA-256. -#}
{% macro text_key(column) -%} encode(sha256(convert_to({{ column }}, 'UTF8')), 'hex') {%- endmacro %}

{#- What a rating says its text feels: recommendations by the groups of their survey, stars and satisfaction by halves. -#}
{% macro rated_sentiment(feedback_type, rating_share) -%}
    case
        when {{ feedback_type }} = 'nps' and {{ rating_share }} >= 0.9 then 'positive'
        when {{ feedback_type }} = 'nps' and {{ rating_share }} >= 0.7 then 'neutral'
        when {{ feedback_type }} = 'nps' and {{ rating_share }} >= 0 then 'negative'
        when {{ rating_share }} >= 0.75 then 'positive'
        when {{ rating_share }} > 0.375 then 'neutral'
        when {{ rating_share }} >= 0 then 'negative'
    end
{%- endmacro %}
