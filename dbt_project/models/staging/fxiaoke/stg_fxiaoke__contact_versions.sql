-- Grain: one row per known version of a contact's record (ContactObj), its deletion included.
with

versions as (

    {{ record_versions('fxiaoke', 'contact_obj') }}

),

typed as (

    select
        record_id as contact_id,
        {{ record_text('account_id') }} as account_id,
        {{ record_text('name') }} as name,
        {{ record_text('email') }} as email,
        {{ record_texts([
            'mobile1', 'mobile2', 'mobile3', 'mobile4', 'mobile5', 'tel1', 'tel2', 'tel3', 'tel4', 'tel5'
        ]) }} as phones,
        {{ record_text('date_of_birth') }} as birth_date,
        {{ record_text('add') }} as street,
        {{ record_text('job_title') }} as job_title,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
