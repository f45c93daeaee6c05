-- The weekly training builds features of the newest published night, whose orders belong to the publisher by then.
create or replace function ops.take_over(run bigint) returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    space text := format('run_%s', run);
begin
    perform from ops.runs where run_id = run and status <> 'retired';
    if not found then
        raise exception 'there is no run % to take over', run;
    end if;
    if exists (select from pg_namespace where nspname = space) then
        perform ops.hand_over(space, 'publisher');
        execute format('grant usage on schema %I to transformer', space);
        execute format('grant select on all tables in schema %I to transformer', space);
    end if;
end
$$;

do $$
declare
    space text;
begin
    for space in
        select nspname from pg_namespace where nspname like 'run\_%' and pg_get_userbyid(nspowner) = 'publisher'
    loop
        execute format('grant usage on schema %I to transformer', space);
        execute format('grant select on all tables in schema %I to transformer', space);
    end loop;
end
$$;
