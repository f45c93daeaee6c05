-- Who may see people's values in clear text and hand them out, and the book of what was handed out.

create table ops.disclosures (
    disclosure_id bigint generated always as identity primary key,
    customer_id text not null,
    disclosed_by text not null,
    count_rows bigint not null,
    disclosed_at timestamptz not null default now()
);
comment on table ops.disclosures is 'Each time that all that is kept about a person was written out, and by whom.';

-- The command alone is not enough: whoever writes a person's data out needs this role.
do $$
begin
    if not exists (select from pg_roles where rolname = 'pii_reader') then
        create role pii_reader nologin noinherit;
    end if;
end
$$;
