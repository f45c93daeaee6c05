-- Reasons of churn probabilities, survival curves of cohorts, clusters of customers that keep their identity.
alter table ml.customer_churn
    add column reason_1_code text,
    add column reason_1 text,
    add column reason_2_code text,
    add column reason_2 text,
    add column reason_3_code text,
    add column reason_3 text;

create table ml.survival_curves (
    as_of_date date not null,
    cohort text not null,
    days_since_first_purchase integer not null,
    count_customers integer not null,
    count_at_risk integer not null,
    survival_share double precision not null,
    survival_lower double precision,
    survival_upper double precision,
    scored_at timestamptz not null,
    primary key (as_of_date, cohort, days_since_first_purchase)
);

create table ml.customer_clusters (
    as_of_date date not null,
    customer_id text not null,
    cluster_id integer not null,
    centre_distance double precision not null,
    model_version text not null,
    scored_at timestamptz not null,
    primary key (as_of_date, customer_id)
);

create table ml.clusters (
    as_of_date date not null,
    cluster_id integer not null,
    cluster_name text not null,
    description text not null,
    count_customers integer not null,
    kept_share double precision,
    primary key (as_of_date, cluster_id)
);
