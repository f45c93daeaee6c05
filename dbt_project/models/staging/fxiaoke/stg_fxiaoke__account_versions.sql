-- Grain: one row per known version of a company's record (AccountObj), its deletion included.
with

versions as (

    {{ record_versions('fxiaoke', 'account_obj') }}

),

typed as (

    select
        record_id as account_id,
        {{ record_text('name') }} as account_name,
        {{ record_text('tel') }} as phone,
        {{ record_text('email') }} as email,
        {{ record_text('url') }} as website,
        {{ record_text('uniform_social_credit_code') }} as registration_number,
        {{ record_text('address') }} as street,
        {{ record_text('city') }} as city,
        {{ record_text('country') }} as country,
        {{ record_text('industry_level1') }} as industry,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
