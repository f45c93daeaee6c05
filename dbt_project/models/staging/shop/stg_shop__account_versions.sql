-- Grain: one row per known version of an account's record, its deletion included.
with

versions as (

    {{ record_versions('shop', 'accounts') }}

),

typed as (

    select
        record_id as account_id,
        {{ record_text('name') }} as name,
        {{ record_text('email') }} as email,
        {{ record_text('phone') }} as phone,
        {{ record_text('birth_date') }} as birth_date,
        {{ record_text('street', 'address') }} as street,
        {{ record_text('city', 'address') }} as city,
        {{ record_text('postcode', 'address') }} as postcode,
        {{ record_text('country') }} as country,
        {{ record_text('company') }} as company_name,
        {{ record_text('job_title') }} as job_title,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
