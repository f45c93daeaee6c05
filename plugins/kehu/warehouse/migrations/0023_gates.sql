-- What the raw gate can set aside besides whole rows: single values, lines that no parser reads; and what it looked at.

create table ops.quarantined_values (
    load_id bigint not null references ops.loads,
    row_number integer not null,
    field text not null,
    rule text not null,
    reason text not null,
    run_id bigint not null references ops.runs,
    quarantined_at timestamptz not null default now(),
    primary key (load_id, row_number, field, rule)
);
comment on table ops.quarantined_values is
    'Fields of records that staging reads as missing: where they are and why. The values stay in the raw table only.';
grant select on ops.quarantined_values to sandbox_builder, transformer;
grant select, insert, delete on ops.quarantined_values to loader;
do $$
begin
    if current_setting('server_version_num')::int >= 170000 then
        grant maintain on ops.quarantined_values to loader;
    end if;
end
$$;

alter table ops.loads add column unread_rows integer[];
comment on column ops.loads.unread_rows is
    'Numbers of the lines that no parser could read; they landed without a value, and the raw gate quarantines them.';

-- Loads from before this gate are taken as they are.
alter table ops.loads add column is_related boolean not null default false;
update ops.loads set is_related = true;
comment on column ops.loads.is_related is
    'Whether the raw gate has looked for the invoices that the load''s records name.';

-- Which time zone the shop's times are in, among the parameters of an earlier night.
grant select on ops.manifests to loader;
