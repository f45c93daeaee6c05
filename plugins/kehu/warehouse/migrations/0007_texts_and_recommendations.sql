-- What texts were read to mean, and which product each customer may want next. No text and no name is kept here.

create table ml.feedback_scores (
    text_key text not null,
    model_version text not null,
    language text not null,
    sentiment text not null,
    sentiment_confidence double precision not null,
    theme text not null,
    themes text not null,
    scored_at timestamptz not null,
    primary key (text_key, model_version)
);
comment on table ml.feedback_scores is
    'What each distinct text means by one version of the model. text_key: SHA-256 of the text; themes joined by |.';

create table ml.customer_recommendations (
    as_of_date date not null,
    customer_id text not null,
    rank integer not null,
    product_id text not null,
    score double precision not null,
    bought_with_product_id text,
    count_bought_together integer,
    method text not null,
    model_version text not null,
    scored_at timestamptz not null,
    primary key (as_of_date, customer_id, rank)
);
