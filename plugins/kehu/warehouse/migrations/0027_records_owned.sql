-- Another model tells whose invoices are; erasures and readers must not find what this one left.
drop table if exists intermediate.int_invoices__owned cascade;
delete from ops.model_states where model = 'int_invoices__owned';
