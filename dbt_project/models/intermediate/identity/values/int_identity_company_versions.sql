-- Grain: one row per known version of a company's own record, deletions included, in one shape for all sources.
with

opportunities as (

    select * from {{ ref('stg_fxiaoke__opportunity_versions') }}

),

activities as (

    select * from {{ ref('stg_fxiaoke__activity_versions') }}
    where related_object = 'AccountObj'

),

ratings as (

    select
        rating_id,
        company_name,
        registration_number,
        country,
        false as is_deleted,
        rated_at as changed_at,
        cast(0 as bigint) as load_id,
        0 as row_number
    from {{ ref('stg_reference__credit_ratings') }}

),

told as (

    {{ identity_version('company', 'zoho_crm', 'Accounts', ref('stg_zoho_crm__account_versions'), 'account_id', dict(
        phones_raw=['phone'],
        country='country',
        street_raw='street',
        city_raw='city',
        postcode_raw='postcode',
        company_raw='account_name',
        registration_raw='registration_number',
        website=web_domain('website'),
        keys=[strong_key('zoho_crm.account', 'account_id')]
    )) }}
    union all
    {{ identity_version('company', 'zoho_crm', 'Deals', ref('stg_zoho_crm__deal_versions'), 'deal_id', dict(
        keys=[strong_key('zoho_crm.account', 'account_id')]
    )) }}
    union all
    {{ identity_version('company', 'fxiaoke', 'AccountObj', ref('stg_fxiaoke__account_versions'), 'account_id', dict(
        mails_raw=['email'],
        phones_raw=['phone'],
        country='country',
        street_raw='street',
        city_raw='city',
        company_raw='account_name',
        registration_raw='registration_number',
        website=web_domain('website'),
        keys=[strong_key('fxiaoke.account', 'account_id')]
    )) }}
    union all
    {{ identity_version('company', 'fxiaoke', 'NewOpportunityObj', 'opportunities', 'opportunity_id', dict(
        keys=[strong_key('fxiaoke.account', 'account_id')]
    )) }}
    union all
    {{ identity_version('company', 'fxiaoke', 'ActiveRecordObj', 'activities', 'activity_id', dict(
        keys=[strong_key('fxiaoke.account', 'related_id')]
    )) }}
    union all
    {{ identity_version('company', 'reference', 'credit_ratings', 'ratings', 'rating_id', dict(
        country='country',
        company_raw='company_name',
        registration_raw='registration_number'
    )) }}

)

select * from told
