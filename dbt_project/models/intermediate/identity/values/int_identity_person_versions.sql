-- Grain: one row per known version of a record that tells of a person, deletions included, in one shape for all sources.
-- But for orders, which have no versions and no names (int_order_records__told).
with

zoho_contacts as (

    select
        *,
        coalesce(last_name || ', ' || first_name, full_name, last_name, first_name) as name_raw
    from {{ ref('stg_zoho_crm__contact_versions') }}

),

zoho_leads as (

    select
        *,
        coalesce(last_name || ', ' || first_name, full_name, last_name, first_name) as name_raw
    from {{ ref('stg_zoho_crm__lead_versions') }}

),

fxiaoke_account_names as (

    select distinct on (account_id)
        account_id,
        account_name
    from {{ ref('stg_fxiaoke__account_versions') }}
    where account_name is not null
    order by account_id asc, changed_at desc, load_id desc, row_number desc

),

fxiaoke_contacts as (

    select
        contacts.*,
        accounts.account_name
    from {{ ref('stg_fxiaoke__contact_versions') }} as contacts
    left join fxiaoke_account_names as accounts on contacts.account_id = accounts.account_id

),

fxiaoke_activities as (

    select
        *,
        case related_object
            when 'ContactObj' then {{ strong_key('fxiaoke.contact', 'related_id') }}
            when 'LeadsObj' then {{ strong_key('fxiaoke.lead', 'related_id') }}
        end as related_key
    from {{ ref('stg_fxiaoke__activity_versions') }}
    where related_object in ('ContactObj', 'LeadsObj')

),

logins as (

    select
        account_id,
        device_id,
        email,
        min(changed_at) as known_at,
        max(changed_at) as changed_at,
        false as is_deleted,
        max(load_id) as load_id,
        0 as row_number
    from {{ ref('stg_web__event_versions') }}
    where
        account_id is not null
        and device_id is not null
        and not is_deleted
    group by account_id, device_id, email

),

posts as (

    select * from {{ ref('stg_social__post_versions') }}
    where not is_deleted

),

platforms as (

    select
        post_id,
        min(platform) as platform
    from posts
    group by post_id

),

appearances as (

    select
        platform,
        handle,
        -- The handle once more is no name.
        case when {{ plain_handle('display_name') }} <> {{ plain_handle('handle') }} then display_name end as display_name,
        changed_at
    from posts
    union all
    select
        platform,
        handle,
        null as display_name,
        changed_at
    from {{ ref('stg_social__mention_versions') }}
    where not is_deleted
    union all
    select
        platforms.platform,
        reactions.handle,
        null as display_name,
        reactions.changed_at
    from {{ ref('stg_social__reaction_versions') }} as reactions
    left join platforms on reactions.post_id = platforms.post_id
    where not reactions.is_deleted

),

handles as (

    select
        coalesce(platform, '') as platform,
        {{ plain_handle('handle') }} as handle,
        (array_agg(display_name order by changed_at desc, display_name desc) filter (where display_name is not null))[1]
            as display_name,
        min(changed_at) as known_at,
        max(changed_at) as changed_at,
        false as is_deleted,
        cast(0 as bigint) as load_id,
        0 as row_number
    from appearances
    where {{ plain_handle('handle') }} <> ''
    group by coalesce(platform, ''), {{ plain_handle('handle') }}

),

told as (

    {{ identity_version('person', 'shop', 'accounts', ref('stg_shop__account_versions'), 'account_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw=['phone'],
        country='country',
        birth_raw='birth_date',
        street_raw='street',
        city_raw='city',
        postcode_raw='postcode',
        company_raw='company_name',
        title='job_title',
        keys=[strong_key('shop.account', 'account_id')]
    )) }}
    union all
    {{ identity_version('person', 'zoho_crm', 'Contacts', 'zoho_contacts', 'contact_id', dict(
        name_raw='name_raw',
        mails_raw=['email', 'secondary_email'],
        phones_raw=['mobile', 'phone', 'home_phone', 'other_phone'],
        country='country',
        birth_raw='birth_date',
        street_raw='street',
        city_raw='city',
        postcode_raw='postcode',
        company_raw='account_name',
        company_key=strong_key('zoho_crm.account', 'account_id'),
        title='job_title',
        keys=[strong_key('zoho_crm.contact', 'contact_id')]
    )) }}
    union all
    {{ identity_version('person', 'zoho_crm', 'Leads', 'zoho_leads', 'lead_id', dict(
        name_raw='name_raw',
        mails_raw=['email', 'secondary_email'],
        phones_raw=['mobile', 'phone'],
        country='country',
        street_raw='street',
        city_raw='city',
        postcode_raw='postcode',
        company_raw='company_name',
        title='job_title',
        keys=[strong_key('zoho_crm.lead', 'lead_id')]
    )) }}
    union all
    {{ identity_version('person', 'zoho_crm', 'Cases', ref('stg_zoho_crm__case_versions'), 'case_id', dict(
        keys=[strong_key('zoho_crm.contact', 'contact_id'), order_key('order_number')]
    )) }}
    union all
    {{ identity_version('person', 'fxiaoke', 'ContactObj', 'fxiaoke_contacts', 'contact_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw='phones',
        birth_raw='birth_date',
        street_raw='street',
        company_raw='account_name',
        company_key=strong_key('fxiaoke.account', 'account_id'),
        title='job_title',
        keys=[strong_key('fxiaoke.contact', 'contact_id')]
    )) }}
    union all
    {{ identity_version('person', 'fxiaoke', 'LeadsObj', ref('stg_fxiaoke__lead_versions'), 'lead_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw='phones',
        street_raw='street',
        company_raw='company_name',
        title='job_title',
        keys=[strong_key('fxiaoke.lead', 'lead_id')]
    )) }}
    union all
    {{ identity_version('person', 'fxiaoke', 'CasesObj', ref('stg_fxiaoke__case_versions'), 'case_id', dict(
        keys=[strong_key('fxiaoke.contact', 'contact_id'), order_key('order_number')]
    )) }}
    union all
    {{ identity_version('person', 'fxiaoke', 'ActiveRecordObj', 'fxiaoke_activities', 'activity_id', dict(
        keys=['related_key']
    )) }}
    union all
    {{ identity_version('person', 'web', 'logins', 'logins', "account_id || '/' || device_id", dict(
        mails_raw=['email'],
        device='device_id',
        known_at='known_at',
        keys=[strong_key('shop.account', 'account_id')]
    )) }}
    union all
    {{ identity_version('person', 'support', 'tickets', ref('stg_support__ticket_versions'), 'ticket_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw=['phone'],
        keys=[strong_key('support.ticket', 'ticket_id'), order_key('order_number')]
    )) }}
    union all
    {{ identity_version('person', 'support', 'calls', ref('stg_support__call_versions'), 'call_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw=['phone'],
        keys=[strong_key('support.ticket', 'call_id'), order_key('order_number')]
    )) }}
    union all
    {{ identity_version('person', 'support', 'chats', ref('stg_support__chat_versions'), 'chat_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw=['phone'],
        keys=[strong_key('support.ticket', 'chat_id'), order_key('order_number')]
    )) }}
    union all
    {{ identity_version('person', 'support', 'visits', ref('stg_support__visit_versions'), 'visit_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw=['phone'],
        company_raw='company_name'
    )) }}
    union all
    {{ identity_version('person', 'support', 'complaints', ref('stg_support__complaint_versions'), 'complaint_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw=['phone'],
        keys=[order_key('order_number')]
    )) }}
    union all
    {{ identity_version('person', 'surveys', 'csat', ref('stg_surveys__csat_versions'), 'response_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw=['phone'],
        keys=[strong_key('support.ticket', 'subject_id')]
    )) }}
    union all
    {{ identity_version('person', 'surveys', 'nps', ref('stg_surveys__nps_versions'), 'response_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw=['phone'],
        keys=[order_key('order_number')]
    )) }}
    union all
    {{ identity_version('person', 'surveys', 'market_research', ref('stg_surveys__market_research_versions'), 'response_id', dict(
        name_raw='name',
        mails_raw=['email'],
        phones_raw=['phone'],
        country='country'
    )) }}
    union all
    {{ identity_version('person', 'social', 'handles', 'handles', "platform || '/' || handle", dict(
        name_raw='display_name',
        known_at='known_at',
        keys=[handle_key('handle')]
    )) }}
    union all
    {{ identity_version('person', 'consents', 'consents', ref('stg_consents__consent_versions'), 'consent_id', dict(
        mails_raw=['email'],
        phones_raw=['phone'],
        keys=[strong_key('shop.account', 'account_id')]
    )) }}

)

select * from told
