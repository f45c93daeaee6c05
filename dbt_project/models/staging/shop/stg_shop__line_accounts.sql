-- Grain: one row per fate of the raw lines known on the night: staged, or quarantined by which rule.
with

loads as (

    {{ newest_loads('shop', 'order_lines') }}

),

quarantined as (

    -- A row may break several rules; it is counted under the first by name.
    select
        load_id,
        row_number,
        min(rule) as rule
    from {{ source('ops', 'quarantine') }}
    group by 1, 2

)

select
    coalesce('quarantined: ' || quarantined.rule, 'staged') as reason,
    count(*) as count_lines,
    sum({{ amount_if_valid('lines."Quantity"', 'lines."UnitPrice"') }}) as amount
from {{ source('shop', 'order_lines') }} as lines
inner join loads on lines._load_id = loads.load_id
left join quarantined
    on
        lines._load_id = quarantined.load_id
        and lines._row_number = quarantined.row_number
group by 1
