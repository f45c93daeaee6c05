-- What values can be held against: labels reach one churn horizon ahead, values further. Nights scored before have none.
alter table ml.customer_values
    add column churn_horizon_days integer,
    add column churn_horizon_value double precision;
