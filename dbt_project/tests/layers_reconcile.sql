-- Exact reconciliation: the lines and the money one layer passes on are all lines and money of the next layer.
with

accounts as (

    select * from {{ ref('rpt_line_reconciliation') }}

),

passed_on as (

    select
        case layer when 'raw' then 'staging' else 'marts' end as layer,
        sum(count_lines) as count_lines,
        sum(amount) as amount
    from accounts
    where (layer = 'raw' and reason = 'staged') or (layer = 'staging' and reason = 'counted')
    group by 1

),

received as (

    select
        layer,
        sum(count_lines) as count_lines,
        sum(amount) as amount
    from accounts
    where layer in ('staging', 'marts')
    group by 1

)

select
    passed_on.layer,
    passed_on.count_lines,
    received.count_lines as received_lines,
    passed_on.amount,
    received.amount as received_amount
from passed_on
full outer join received on passed_on.layer = received.layer
where
    passed_on.count_lines is distinct from received.count_lines
    or passed_on.amount is distinct from received.amount
