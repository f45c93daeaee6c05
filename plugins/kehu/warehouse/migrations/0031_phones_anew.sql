-- Some phones are recognised now that were not, or as another country's; the next night writes them anew.
delete from identity.normal_phones
where phone like '+0%' or regexp_replace(raw, '[^0-9]', '', 'g') ~ '^861[3-9][0-9]{9}';

delete from ops.model_states
where model = 'int_identity_records';
