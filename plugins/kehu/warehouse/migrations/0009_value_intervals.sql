-- Customer values get predictive intervals; nights scored before have none.
alter table ml.customer_values
    add column purchases_lower double precision,
    add column purchases_upper double precision,
    add column customer_value_lower double precision,
    add column customer_value_upper double precision,
    add column interval_share double precision;
