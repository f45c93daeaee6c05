-- Families and components are named by the record that became known first: a new record joins one and renames none.
comment on column identity.records.family is 'The first known of the records that its own keys connect with it.';
comment on column identity.records.component is
    'The first known of the records that links connect with it, whatever they contradict.';
