-- Grain: one row per customer, channel and day with a contact, made, handed out, or on a list of the night.
with

listed as (

    select distinct on (customer_id, channel)
        customer_id,
        channel,
        {{ as_of_date() }} as contact_date,
        'listed' as kind,
        list_key
    from {{ ref('fct_list_members') }}
    where
        is_current
        and first_exported_on is null
    order by customer_id, channel, priority, list_position

),

known as (

    select
        customer_id,
        channel,
        contact_date,
        kind,
        list_key
    from {{ ref('lst_contacts') }}

)

select * from known
union all
select * from listed
where
    not exists (
        select 1
        from known
        where
            known.customer_id = listed.customer_id
            and known.channel = listed.channel
            and known.contact_date = listed.contact_date
    )
