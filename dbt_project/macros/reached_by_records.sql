{#- Keys that a changed record reaches beyond its own (scope.reached of kept models). -#}

{#- The customers whose records say something else, as written or as it compares: the record may belong to whom it belonged to. -#}
{% macro customers_of_changed_records(first_day, last_day, consumed) -%}
    select customer_id as key
    from {{ ref('int_customer_records__owned') }}
    where record_key in {{ reached_keys(['identity.record', 'normal.record'], consumed) }}
{%- endmacro %}

{#- Records that identity may assign otherwise than when their owners were compared last. What a night writes begins or ends on its
    own day, so that the days of both nights are asked for: one of them may have been run again. A period that is no more was
    begun on such a day, too. -#}
{% macro records_assigned_meanwhile(first_day, last_day, consumed) -%}
    select record_key as key
    from {{ ref('stg_identity__assignment_periods') }}
    where
        kind = 'person'
        and (
            valid_from between {{ first_day }} - 1 and {{ last_day }}
            or valid_to between {{ first_day }} - 1 and {{ last_day }}
        )
    union all
    select record_key as key
    from {{ kept_relation() }}
    where valid_from between {{ first_day }} - 1 and {{ last_day }}
{%- endmacro %}
