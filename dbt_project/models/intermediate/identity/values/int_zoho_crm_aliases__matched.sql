-- Grain: one row per Zoho record that was merged away: the CRM deletes it and does not tell which record it kept instead.
-- The better of two kinds of evidence counts, and only if it names a single record; a record that came back has no alias.
-- Nobody can tell the planner how few of all values belong to a record that is gone: it would compare each with each.
{{ config(pre_hook="set local enable_nestloop = off") }}
with

contacts as (

    select * from {{ ref('stg_zoho_crm__contact_versions') }}

),

accounts as (

    select * from {{ ref('stg_zoho_crm__account_versions') }}

),

leads as (

    select * from {{ ref('stg_zoho_crm__lead_versions') }}

),

deals as (

    select * from {{ ref('stg_zoho_crm__deal_versions') }}

),

cases as (

    select * from {{ ref('stg_zoho_crm__case_versions') }}

),

versions as (

    -- A company's name takes the place of the family name.
    select
        'Accounts' as module,
        account_id as record_id,
        cast(null as text) as email,
        lower(account_name) as last_name,
        {{ digits('phone') }} as phone,
        cast(null as text) as mobile,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from accounts
    union all
    select
        'Contacts' as module,
        contact_id as record_id,
        lower(email) as email,
        lower(last_name) as last_name,
        {{ digits('phone') }} as phone,
        {{ digits('mobile') }} as mobile,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from contacts
    union all
    select
        'Leads' as module,
        lead_id as record_id,
        lower(email) as email,
        lower(last_name) as last_name,
        {{ digits('phone') }} as phone,
        {{ digits('mobile') }} as mobile,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from leads

),

ranked as (

    -- What arrives after a deletion is newer than it: a record that was restored need not have changed.
    select
        *,
        row_number() over (partition by module, record_id order by load_id desc, row_number desc) as arrival_rank,
        row_number() over (
            partition by module, record_id, is_deleted
            order by changed_at desc, load_id desc, row_number desc
        ) as recency
    from versions

),

gone as (

    select
        module,
        record_id,
        changed_at as gone_at
    from ranked
    where
        arrival_rank = 1
        and is_deleted
        and changed_at is not null

),

links as (

    select
        'Accounts' as module,
        account_id as parent_id,
        'contact ' || contact_id as child_id,
        changed_at,
        load_id,
        row_number
    from contacts
    where not is_deleted
    union all
    select
        'Accounts' as module,
        account_id as parent_id,
        'deal ' || deal_id as child_id,
        changed_at,
        load_id,
        row_number
    from deals
    where not is_deleted
    union all
    select
        'Accounts' as module,
        account_id as parent_id,
        'case ' || case_id as child_id,
        changed_at,
        load_id,
        row_number
    from cases
    where not is_deleted
    union all
    select
        'Contacts' as module,
        contact_id as parent_id,
        'deal ' || deal_id as child_id,
        changed_at,
        load_id,
        row_number
    from deals
    where not is_deleted
    union all
    select
        'Contacts' as module,
        contact_id as parent_id,
        'case ' || case_id as child_id,
        changed_at,
        load_id,
        row_number
    from cases
    where not is_deleted

),

moves as (

    select
        module,
        lag(parent_id) over (
            partition by module, child_id
            order by changed_at, load_id, row_number
        ) as from_id,
        parent_id as to_id,
        changed_at
    from links

),

relinked as (

    select
        gone.module,
        gone.record_id as lost_record_id,
        gone.gone_at as merged_at,
        moves.to_id as kept_record_id
    from gone
    inner join moves
        on
            gone.module = moves.module
            and gone.record_id = moves.from_id
    where
        moves.to_id <> moves.from_id
        and moves.changed_at between gone.gone_at - interval '1 hour' and gone.gone_at + interval '1 day'

),

keys as (

    select
        module,
        record_id,
        changed_at,
        recency,
        unnest(array[email, phone || ' ' || last_name, mobile || ' ' || last_name]) as same
    from ranked
    where not is_deleted

),

own_keys as (

    -- What many records carry (noemail@…) is nobody's, and one of them may well have changed at any moment.
    select
        module,
        same
    from keys
    group by module, same
    having count(distinct record_id) <= 10

),

alike as (

    -- What the record said last before it was gone, and what the other said when it was changed.
    select
        gone.module,
        gone.record_id as lost_record_id,
        gone.gone_at as merged_at,
        kept.record_id as kept_record_id
    from gone
    inner join keys as lost
        on
            gone.module = lost.module
            and gone.record_id = lost.record_id
            and lost.recency = 1
    inner join own_keys
        on
            lost.module = own_keys.module
            and lost.same = own_keys.same
    inner join keys as kept
        on
            own_keys.module = kept.module
            and own_keys.same = kept.same
            and lost.record_id <> kept.record_id
    where kept.changed_at between gone.gone_at - interval '10 minutes' and gone.gone_at + interval '10 minutes'

),

candidates as (

    select
        *,
        1 as evidence_rank
    from relinked
    union all
    select
        *,
        2 as evidence_rank
    from alike

),

best as (

    -- A record that was gone before cannot have been kept, so no chain of aliases comes back to where it began.
    select
        candidates.*,
        min(candidates.evidence_rank) over (partition by candidates.module, candidates.lost_record_id) as best_rank
    from candidates
    left join gone as gone_before
        on
            candidates.module = gone_before.module
            and candidates.kept_record_id = gone_before.record_id
            and candidates.merged_at >= gone_before.gone_at
    where gone_before.record_id is null

)

select
    module,
    lost_record_id,
    min(kept_record_id) as kept_record_id,
    merged_at,
    case evidence_rank when 1 then 'relinked children' else 'same values' end as evidence
from best
where evidence_rank = best_rank
group by module, lost_record_id, merged_at, evidence_rank
having count(distinct kept_record_id) = 1
