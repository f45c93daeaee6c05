-- Who asked to be forgotten, the receipts of it, and the keys that landing leaves out from then on.

create table ops.erasure_requests (
    customer_id text primary key,
    requested_by text not null,
    reason text not null,
    requested_at timestamptz not null default now()
);
comment on table ops.erasure_requests is 'Customers to be erased; the row goes with the erasure, the receipt stays.';

create table ops.erasures (
    erasure_id bigint generated always as identity primary key,
    customer_ids text[] not null,
    requested_by text[] not null,
    reasons text[] not null,
    requested_at timestamptz not null,
    erased_at timestamptz not null default now(),
    key_id text not null,
    value_hashes text[] not null,
    count_found bigint not null,
    counts jsonb not null,
    places_scanned jsonb not null,
    count_residue bigint not null check (count_residue = 0)
);
comment on table ops.erasures is
    'Receipts: which ids mean nobody any more, what was removed where, and that a scan of everything found nothing left.';
comment on column ops.erasures.customer_ids is 'The ids as tombstones: all that is left of them.';
comment on column ops.erasures.value_hashes is 'Keyed hashes (HMAC-SHA256) of the values that were searched for.';
comment on column ops.erasures.count_found is 'Cells that held one of the values before.';
comment on column ops.erasures.counts is 'Rows removed, rows overwritten and files overwritten, by place.';
comment on column ops.erasures.places_scanned is 'How many columns, cells and files the scan looked at.';

create table ops.suppressed_keys (
    key_kind text not null,
    key_hash text not null,
    key_id text not null,
    erasure_id bigint not null references ops.erasures on delete cascade,
    primary key (key_kind, key_hash)
);
comment on table ops.suppressed_keys is
    'Keyed hashes of the keys of erased records: landing leaves out rows that name one. The hashes'' key is not here.';

alter table ops.loads add column count_suppressed bigint not null default 0;
comment on column ops.loads.count_suppressed is 'Rows of the file that were left out or removed because the person was erased.';
