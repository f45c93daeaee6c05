-- Keyed pseudonyms of mail addresses and phone numbers: equal values can be joined and counted without being seen.

create table identity.pseudonyms (
    domain text not null check (domain in ('mail', 'phone')),
    value text not null,
    pseudonym text not null,
    key_id text not null,
    primary key (domain, value)
);
comment on table identity.pseudonyms is
    'HMAC-SHA256 of each normalised value and its domain. The key is a secret outside the database; key_id tells which one.';
