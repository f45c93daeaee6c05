-- Grain: one row per known version of a payment or refund, its deletion included.
with

versions as (

    {{ record_versions('payments', 'payments') }}

),

typed as (

    select
        record_id as payment_id,
        lower({{ record_text('kind') }}) as payment_type,
        {{ record_text('order_number') }} as order_number,
        lower({{ record_text('method') }}) as method,
        lower({{ record_text('status') }}) as status,
        {{ record_number('amount') }} as original_amount,
        upper({{ record_text('currency') }}) as original_currency,
        {{ record_number('fee') }} as original_fee,
        {{ record_time('created_at') }} as created_at,
        {{ record_time('settled_at') }} as settled_at,
        is_deleted,
        changed_at,
        load_id,
        row_number
    from versions

)

select * from typed
