-- Grain: one row per tag, or pair of tags, and finding that somebody should look at.
with

tags as (

    select * from {{ ref('dim_tags') }}
    where status in ('active', 'expired')

),

assigned as (

    select
        customer_id,
        tag_id
    from {{ ref('fct_customer_tags') }}
    where is_current

),

last_assigned as (

    select
        tag_id,
        max(coalesce(valid_to - 1, {{ as_of_date() }})) as last_assigned_date
    from {{ ref('fct_customer_tags') }}
    group by tag_id

),

shared as (

    select
        mine.tag_id,
        theirs.tag_id as other_tag_id,
        count(*) as count_both
    from assigned as mine
    inner join assigned as theirs
        on
            mine.customer_id = theirs.customer_id
            and mine.tag_id <> theirs.tag_id
    group by mine.tag_id, theirs.tag_id

),

pairs as (

    select
        shared.tag_id,
        shared.other_tag_id,
        tags.count_customers,
        others.count_customers as count_other_customers,
        shared.count_both,
        shared.count_both * 1.0 / (tags.count_customers + others.count_customers - shared.count_both) as overlap_share
    from shared
    inner join tags on shared.tag_id = tags.tag_id
    inner join tags as others on shared.other_tag_id = others.tag_id
    where least(tags.count_customers, others.count_customers) >= {{ var('tag_review_customers') }}

),

findings as (

    select
        'unused' as finding,
        tag_id,
        cast(null as text) as other_tag_id,
        count_customers,
        cast(null as integer) as count_other_customers,
        cast(null as bigint) as count_both,
        cast(null as numeric) as overlap_share,
        'Nobody has it: mend the rule, or retire it' as advice_en,
        '无客户拥有：请修正规则或停用' as advice_zh
    from tags
    where
        status = 'active'
        and count_customers = 0
    union all
    select
        'expired' as finding,
        tag_id,
        null as other_tag_id,
        count_customers,
        null as count_other_customers,
        null as count_both,
        null as overlap_share,
        'Its last day is over: retire it, or give it a later one' as advice_en,
        '已过期：请停用或延长有效期' as advice_zh
    from tags
    where status = 'expired'
    union all
    select
        'no_owner' as finding,
        tag_id,
        null as other_tag_id,
        count_customers,
        null as count_other_customers,
        null as count_both,
        null as overlap_share,
        'Nobody answers for it: name an owner' as advice_en,
        '无负责人：请指定负责人' as advice_zh
    from tags
    where owner is null
    union all
    select
        'overlaps' as finding,
        tag_id,
        other_tag_id,
        count_customers,
        count_other_customers,
        count_both,
        overlap_share,
        'Both have nearly the same customers: merge them' as advice_en,
        '两个标签客户几乎相同：请合并' as advice_zh
    from pairs
    where
        tag_id < other_tag_id
        and overlap_share >= {{ var('tag_overlap_share') }}
    union all
    select
        'contains' as finding,
        tag_id,
        other_tag_id,
        count_customers,
        count_other_customers,
        count_both,
        overlap_share,
        'Each customer of the other one has it too: is the other one needed?' as advice_en,
        '完全包含另一标签的客户：另一标签是否必要？' as advice_zh
    from pairs
    where
        count_both = count_other_customers
        and overlap_share < {{ var('tag_overlap_share') }}

)

select
    findings.finding || '/' || findings.tag_id || coalesce('/' || findings.other_tag_id, '') as review_key,
    findings.finding,
    findings.tag_id,
    findings.other_tag_id,
    findings.count_customers,
    findings.count_other_customers,
    cast(findings.count_both as integer) as count_both,
    cast(findings.overlap_share as numeric(4, 3)) as overlap_share,
    last_assigned.last_assigned_date,
    findings.advice_en,
    findings.advice_zh,
    {{ as_of_date() }} as as_of_date
from findings
left join last_assigned on findings.tag_id = last_assigned.tag_id
