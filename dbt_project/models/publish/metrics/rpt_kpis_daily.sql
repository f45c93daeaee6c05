-- Grain: one row per calendar day up to the night, one column per KPI.
-- Written by `make metrics ARGS=write` from the metrics beside it: edit those, not this.
with

kpis as (

    WITH sma_10004_cte AS (
      SELECT
        DATE_TRUNC('day', order_date) AS metric_time__day
        , amount AS __net_revenue
        , case when order_type = 'order' then customer_id end AS __ordering_customers
        , case when order_type = 'order' then 1 end AS __orders
        , case when order_type = 'order' then amount end AS __revenue
      FROM {{ ref('fct_orders') }} orders_src_10000
    )

    , cm_45_cte AS (
      SELECT
        metric_time__day
        , COALESCE(__returned_value, 0) AS returned_value
      FROM (
        SELECT
          DATE_TRUNC('day', returned_date) AS metric_time__day
          , SUM(returned_amount) AS __returned_value
        FROM {{ ref('fct_returns') }} returns_src_10000
        GROUP BY
          DATE_TRUNC('day', returned_date)
      ) subq_16
    )

    , sma_10001_cte AS (
      SELECT
        DATE_TRUNC('day', date_day) AS date_day__day
        , DATE_TRUNC('day', date_day) AS metric_time__day
        , count_active AS __active_customers
        , count_consented AS __consented_customers
        , count_active_before AS __formerly_active_customers
        , count_known AS __known_customers
        , count_new AS __new_customers
        , count_purchasing AS __purchasing_customers
        , count_repeating AS __repeat_customers
        , count_retained AS __retained_customers
      FROM {{ ref('fct_customer_days') }} customer_days_src_10000
    )

    , sma_10007_cte AS (
      SELECT
        DATE_TRUNC('day', target_month) AS metric_time__day
        , case when forecast_date = target_month and is_month_over and currency = '{{ var('currency') }}' then forecast_amount end AS __ended_sales_forecast
        , case when forecast_date = target_month and is_month_over and currency = '{{ var('currency') }}' then won_amount end AS __ended_won_value
        , case when forecast_date = target_month and currency = '{{ var('currency') }}' then forecast_amount end AS __sales_forecast
      FROM {{ ref('fct_sales_forecasts') }} sales_forecasts_src_10000
    )

    SELECT
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day, subq_48.metric_time__day, subq_58.metric_time__day, subq_64.metric_time__day, subq_70.metric_time__day, subq_76.metric_time__day, subq_85.metric_time__day, subq_91.metric_time__day, subq_97.metric_time__day, subq_103.metric_time__day) AS metric_time__day
      , COALESCE(MAX(subq_5.revenue), 0) AS revenue
      , COALESCE(MAX(subq_5.net_revenue), 0) AS net_revenue
      , COALESCE(MAX(subq_5.orders), 0) AS orders
      , COALESCE(MAX(subq_5.ordering_customers), 0) AS ordering_customers
      , MAX(subq_11.average_order_value) AS average_order_value
      , COALESCE(MAX(subq_17.returned_value), 0) AS returned_value
      , MAX(subq_25.return_rate) AS return_rate
      , MAX(subq_34.known_customers) AS known_customers
      , MAX(subq_34.purchasing_customers) AS purchasing_customers
      , MAX(subq_34.active_customers) AS active_customers
      , MAX(subq_34.consented_customers) AS consented_customers
      , COALESCE(MAX(subq_39.new_customers), 0) AS new_customers
      , MAX(subq_48.retention_rate) AS retention_rate
      , MAX(subq_48.repurchase_rate) AS repurchase_rate
      , MAX(subq_58.churn_rate) AS churn_rate
      , MAX(subq_64.csat) AS csat
      , MAX(subq_64.csat_score) AS csat_score
      , COALESCE(MAX(subq_64.csat_answers), 0) AS csat_answers
      , MAX(subq_64.nps) AS nps
      , COALESCE(MAX(subq_64.nps_answers), 0) AS nps_answers
      , COALESCE(MAX(subq_70.social_mentions), 0) AS social_mentions
      , MAX(subq_70.share_of_mentions) AS share_of_mentions
      , COALESCE(MAX(subq_76.service_requests), 0) AS service_requests
      , COALESCE(MAX(subq_76.complaints), 0) AS complaints
      , MAX(subq_76.first_response_minutes) AS first_response_minutes
      , MAX(subq_76.first_response_minutes_clock) AS first_response_minutes_clock
      , MAX(subq_76.resolution_minutes) AS resolution_minutes
      , MAX(subq_76.resolution_minutes_clock) AS resolution_minutes_clock
      , MAX(subq_76.closed_loop_rate) AS closed_loop_rate
      , MAX(subq_85.pipeline_value) AS pipeline_value
      , MAX(subq_85.weighted_pipeline_value) AS weighted_pipeline_value
      , COALESCE(MAX(subq_91.won_value), 0) AS won_value
      , MAX(subq_91.win_rate) AS win_rate
      , MAX(subq_97.sales_forecast) AS sales_forecast
      , MAX(subq_103.sales_forecast_error) AS sales_forecast_error
    FROM (
      SELECT
        metric_time__day
        , COALESCE(__revenue, 0) AS revenue
        , COALESCE(__net_revenue, 0) AS net_revenue
        , COALESCE(__orders, 0) AS orders
        , COALESCE(__ordering_customers, 0) AS ordering_customers
      FROM (
        SELECT
          metric_time__day
          , SUM(__net_revenue) AS __net_revenue
          , COUNT(DISTINCT __ordering_customers) AS __ordering_customers
          , SUM(__orders) AS __orders
          , SUM(__revenue) AS __revenue
        FROM sma_10004_cte
        GROUP BY
          metric_time__day
      ) subq_4
    ) subq_5
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , revenue / nullif(orders, 0) AS average_order_value
      FROM (
        SELECT
          metric_time__day
          , COALESCE(__revenue, 0) AS revenue
          , COALESCE(__orders, 0) AS orders
        FROM (
          SELECT
            metric_time__day
            , SUM(__orders) AS __orders
            , SUM(__revenue) AS __revenue
          FROM sma_10004_cte
          GROUP BY
            metric_time__day
        ) subq_9
      ) subq_10
    ) subq_11
    ON
      subq_5.metric_time__day = subq_11.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , returned_value
      FROM cm_45_cte
    ) subq_17
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day) = subq_17.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , returned_value / nullif(revenue, 0) AS return_rate
      FROM (
        SELECT
          COALESCE(subq_18.metric_time__day, subq_23.metric_time__day) AS metric_time__day
          , COALESCE(MAX(subq_18.returned_value), 0) AS returned_value
          , COALESCE(MAX(subq_23.revenue), 0) AS revenue
        FROM (
          SELECT
            metric_time__day
            , returned_value
          FROM cm_45_cte
        ) subq_18
        FULL OUTER JOIN (
          SELECT
            metric_time__day
            , COALESCE(__revenue, 0) AS revenue
          FROM (
            SELECT
              metric_time__day
              , SUM(__revenue) AS __revenue
            FROM sma_10004_cte
            GROUP BY
              metric_time__day
          ) subq_22
        ) subq_23
        ON
          subq_18.metric_time__day = subq_23.metric_time__day
        GROUP BY
          COALESCE(subq_18.metric_time__day, subq_23.metric_time__day)
      ) subq_24
    ) subq_25
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day) = subq_25.metric_time__day
    FULL OUTER JOIN (
      SELECT
        subq_28.metric_time__day AS metric_time__day
        , SUM(subq_28.__known_customers) AS known_customers
        , SUM(subq_28.__purchasing_customers) AS purchasing_customers
        , SUM(subq_28.__active_customers) AS active_customers
        , SUM(subq_28.__consented_customers) AS consented_customers
      FROM (
        SELECT
          date_day__day
          , metric_time__day
          , __active_customers
          , __consented_customers
          , __known_customers
          , __purchasing_customers
        FROM sma_10001_cte
      ) subq_28
      INNER JOIN (
        SELECT
          metric_time__day
          , MAX(date_day__day) AS date_day__day__complete
        FROM sma_10001_cte
        GROUP BY
          metric_time__day
      ) subq_30
      ON
        subq_28.date_day__day = subq_30.date_day__day__complete
      GROUP BY
        subq_28.metric_time__day
    ) subq_34
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day) = subq_34.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , COALESCE(__new_customers, 0) AS new_customers
      FROM (
        SELECT
          metric_time__day
          , SUM(__new_customers) AS __new_customers
        FROM sma_10001_cte
        GROUP BY
          metric_time__day
      ) subq_38
    ) subq_39
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day) = subq_39.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , CAST(retained_customers AS DOUBLE PRECISION) / CAST(NULLIF(formerly_active_customers, 0) AS DOUBLE PRECISION) AS retention_rate
        , CAST(repeat_customers AS DOUBLE PRECISION) / CAST(NULLIF(purchasing_customers, 0) AS DOUBLE PRECISION) AS repurchase_rate
      FROM (
        SELECT
          subq_41.metric_time__day AS metric_time__day
          , SUM(subq_41.__retained_customers) AS retained_customers
          , SUM(subq_41.__formerly_active_customers) AS formerly_active_customers
          , SUM(subq_41.__repeat_customers) AS repeat_customers
          , SUM(subq_41.__purchasing_customers) AS purchasing_customers
        FROM (
          SELECT
            date_day__day
            , metric_time__day
            , __formerly_active_customers
            , __purchasing_customers
            , __repeat_customers
            , __retained_customers
          FROM sma_10001_cte
        ) subq_41
        INNER JOIN (
          SELECT
            metric_time__day
            , MAX(date_day__day) AS date_day__day__complete
          FROM sma_10001_cte
          GROUP BY
            metric_time__day
        ) subq_43
        ON
          subq_41.date_day__day = subq_43.date_day__day__complete
        GROUP BY
          subq_41.metric_time__day
      ) subq_47
    ) subq_48
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day) = subq_48.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , 1 - retention_rate AS churn_rate
      FROM (
        SELECT
          metric_time__day
          , CAST(retained_customers AS DOUBLE PRECISION) / CAST(NULLIF(formerly_active_customers, 0) AS DOUBLE PRECISION) AS retention_rate
        FROM (
          SELECT
            subq_50.metric_time__day AS metric_time__day
            , SUM(subq_50.__retained_customers) AS retained_customers
            , SUM(subq_50.__formerly_active_customers) AS formerly_active_customers
          FROM (
            SELECT
              date_day__day
              , metric_time__day
              , __formerly_active_customers
              , __retained_customers
            FROM sma_10001_cte
          ) subq_50
          INNER JOIN (
            SELECT
              metric_time__day
              , MAX(date_day__day) AS date_day__day__complete
            FROM sma_10001_cte
            GROUP BY
              metric_time__day
          ) subq_52
          ON
            subq_50.date_day__day = subq_52.date_day__day__complete
          GROUP BY
            subq_50.metric_time__day
        ) subq_56
      ) subq_57
    ) subq_58
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day, subq_48.metric_time__day) = subq_58.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , __csat AS csat
        , __csat_score AS csat_score
        , COALESCE(__csat_answers, 0) AS csat_answers
        , __nps AS nps
        , COALESCE(__nps_answers, 0) AS nps_answers
      FROM (
        SELECT
          metric_time__day
          , AVG(__csat) AS __csat
          , SUM(__csat_answers) AS __csat_answers
          , AVG(__csat_score) AS __csat_score
          , AVG(__nps) AS __nps
          , SUM(__nps_answers) AS __nps_answers
        FROM (
          SELECT
            DATE_TRUNC('day', answered_date) AS metric_time__day
            , case when survey = 'csat' and score_group = 'satisfied' then 1.0 when survey = 'csat' and score is not null then 0.0 end AS __csat
            , case when survey = 'csat' and score is not null then 1 end AS __csat_answers
            , case when survey = 'csat' then score end AS __csat_score
            , case when survey = 'nps' then case score_group when 'promoter' then 100.0 when 'passive' then 0.0 when 'detractor' then -100.0 end end AS __nps
            , case when survey = 'nps' and score is not null then 1 end AS __nps_answers
          FROM {{ ref('fct_survey_responses') }} survey_responses_src_10000
        ) subq_62
        GROUP BY
          metric_time__day
      ) subq_63
    ) subq_64
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day, subq_48.metric_time__day, subq_58.metric_time__day) = subq_64.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , COALESCE(__social_mentions, 0) AS social_mentions
        , __share_of_mentions AS share_of_mentions
      FROM (
        SELECT
          metric_time__day
          , AVG(__share_of_mentions) AS __share_of_mentions
          , SUM(__social_mentions) AS __social_mentions
        FROM (
          SELECT
            DATE_TRUNC('day', mentioned_date) AS metric_time__day
            , case when kind = 'mention' and is_own_brand then 1.0 when kind = 'mention' and not is_own_brand then 0.0 end AS __share_of_mentions
            , case when is_own_brand then 1 end AS __social_mentions
          FROM {{ ref('fct_social_mentions') }} social_mentions_src_10000
        ) subq_68
        GROUP BY
          metric_time__day
      ) subq_69
    ) subq_70
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day, subq_48.metric_time__day, subq_58.metric_time__day, subq_64.metric_time__day) = subq_70.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , COALESCE(__service_requests, 0) AS service_requests
        , COALESCE(__complaints, 0) AS complaints
        , __first_response_minutes AS first_response_minutes
        , __first_response_minutes_clock AS first_response_minutes_clock
        , __resolution_minutes AS resolution_minutes
        , __resolution_minutes_clock AS resolution_minutes_clock
        , __closed_loop_rate AS closed_loop_rate
      FROM (
        SELECT
          metric_time__day
          , AVG(__closed_loop_rate) AS __closed_loop_rate
          , SUM(__complaints) AS __complaints
          , PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY (__first_response_minutes)) AS __first_response_minutes
          , PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY (__first_response_minutes_clock)) AS __first_response_minutes_clock
          , PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY (__resolution_minutes)) AS __resolution_minutes
          , PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY (__resolution_minutes_clock)) AS __resolution_minutes_clock
          , SUM(__service_requests) AS __service_requests
        FROM (
          SELECT
            DATE_TRUNC('day', opened_date) AS metric_time__day
            , case when is_closed_loop then 1.0 when not is_closed_loop then 0.0 end AS __closed_loop_rate
            , case when request_type = 'complaint' then 1 end AS __complaints
            , response_minutes_business AS __first_response_minutes
            , response_minutes_clock AS __first_response_minutes_clock
            , resolution_minutes_business AS __resolution_minutes
            , resolution_minutes_clock AS __resolution_minutes_clock
            , CASE WHEN request_id IS NOT NULL THEN 1 ELSE 0 END AS __service_requests
          FROM {{ ref('fct_service_requests') }} service_requests_src_10000
        ) subq_74
        GROUP BY
          metric_time__day
      ) subq_75
    ) subq_76
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day, subq_48.metric_time__day, subq_58.metric_time__day, subq_64.metric_time__day, subq_70.metric_time__day) = subq_76.metric_time__day
    FULL OUTER JOIN (
      SELECT
        subq_79.metric_time__day AS metric_time__day
        , SUM(subq_79.__pipeline_value) AS pipeline_value
        , SUM(subq_79.__weighted_pipeline_value) AS weighted_pipeline_value
      FROM (
        SELECT
          DATE_TRUNC('day', pipeline_date) AS pipeline_date__day
          , DATE_TRUNC('day', pipeline_date) AS metric_time__day
          , case when currency = '{{ var('currency') }}' then amount end AS __pipeline_value
          , case when currency = '{{ var('currency') }}' then weighted_amount end AS __weighted_pipeline_value
        FROM {{ ref('fct_pipeline_days') }} pipeline_days_src_10000
      ) subq_79
      INNER JOIN (
        SELECT
          DATE_TRUNC('day', pipeline_date) AS metric_time__day
          , MAX(DATE_TRUNC('day', pipeline_date)) AS pipeline_date__day__complete
        FROM {{ ref('fct_pipeline_days') }} pipeline_days_src_10000
        GROUP BY
          DATE_TRUNC('day', pipeline_date)
      ) subq_81
      ON
        subq_79.pipeline_date__day = subq_81.pipeline_date__day__complete
      GROUP BY
        subq_79.metric_time__day
    ) subq_85
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day, subq_48.metric_time__day, subq_58.metric_time__day, subq_64.metric_time__day, subq_70.metric_time__day, subq_76.metric_time__day) = subq_85.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , COALESCE(__won_value, 0) AS won_value
        , __win_rate AS win_rate
      FROM (
        SELECT
          metric_time__day
          , AVG(__win_rate) AS __win_rate
          , SUM(__won_value) AS __won_value
        FROM (
          SELECT
            DATE_TRUNC('day', closed_date) AS metric_time__day
            , case stage_group when 'won' then 1.0 when 'lost' then 0.0 end AS __win_rate
            , case when stage_group = 'won' and currency = '{{ var('currency') }}' then amount end AS __won_value
          FROM {{ ref('fct_opportunities') }} opportunities_src_10000
        ) subq_89
        GROUP BY
          metric_time__day
      ) subq_90
    ) subq_91
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day, subq_48.metric_time__day, subq_58.metric_time__day, subq_64.metric_time__day, subq_70.metric_time__day, subq_76.metric_time__day, subq_85.metric_time__day) = subq_91.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , SUM(__sales_forecast) AS sales_forecast
      FROM sma_10007_cte
      GROUP BY
        metric_time__day
    ) subq_97
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day, subq_48.metric_time__day, subq_58.metric_time__day, subq_64.metric_time__day, subq_70.metric_time__day, subq_76.metric_time__day, subq_85.metric_time__day, subq_91.metric_time__day) = subq_97.metric_time__day
    FULL OUTER JOIN (
      SELECT
        metric_time__day
        , (ended_sales_forecast - ended_won_value) / nullif(ended_won_value, 0) AS sales_forecast_error
      FROM (
        SELECT
          metric_time__day
          , SUM(__ended_sales_forecast) AS ended_sales_forecast
          , SUM(__ended_won_value) AS ended_won_value
        FROM sma_10007_cte
        GROUP BY
          metric_time__day
      ) subq_102
    ) subq_103
    ON
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day, subq_48.metric_time__day, subq_58.metric_time__day, subq_64.metric_time__day, subq_70.metric_time__day, subq_76.metric_time__day, subq_85.metric_time__day, subq_91.metric_time__day, subq_97.metric_time__day) = subq_103.metric_time__day
    GROUP BY
      COALESCE(subq_5.metric_time__day, subq_11.metric_time__day, subq_17.metric_time__day, subq_25.metric_time__day, subq_34.metric_time__day, subq_39.metric_time__day, subq_48.metric_time__day, subq_58.metric_time__day, subq_64.metric_time__day, subq_70.metric_time__day, subq_76.metric_time__day, subq_85.metric_time__day, subq_91.metric_time__day, subq_97.metric_time__day, subq_103.metric_time__day)

)

select
    days.date_day as kpi_date,
    cast(kpis.revenue as numeric(18,3)) as revenue,
    cast(kpis.net_revenue as numeric(18,3)) as net_revenue,
    cast(kpis.orders as integer) as orders,
    cast(kpis.average_order_value as numeric(18,3)) as average_order_value,
    cast(kpis.returned_value as numeric(18,3)) as returned_value,
    cast(kpis.return_rate as numeric(18,5)) as return_rate,
    cast(kpis.known_customers as integer) as known_customers,
    cast(kpis.purchasing_customers as integer) as purchasing_customers,
    cast(kpis.ordering_customers as integer) as ordering_customers,
    cast(kpis.new_customers as integer) as new_customers,
    cast(kpis.active_customers as integer) as active_customers,
    cast(kpis.retention_rate as numeric(6,5)) as retention_rate,
    cast(kpis.churn_rate as numeric(6,5)) as churn_rate,
    cast(kpis.repurchase_rate as numeric(6,5)) as repurchase_rate,
    cast(kpis.consented_customers as integer) as consented_customers,
    cast(kpis.csat as numeric(6,5)) as csat,
    cast(kpis.csat_score as numeric(6,4)) as csat_score,
    cast(kpis.csat_answers as integer) as csat_answers,
    cast(kpis.nps as numeric(7,4)) as nps,
    cast(kpis.nps_answers as integer) as nps_answers,
    cast(kpis.social_mentions as integer) as social_mentions,
    cast(kpis.share_of_mentions as numeric(6,5)) as share_of_mentions,
    cast(kpis.service_requests as integer) as service_requests,
    cast(kpis.complaints as integer) as complaints,
    cast(kpis.first_response_minutes as numeric(14,2)) as first_response_minutes,
    cast(kpis.first_response_minutes_clock as numeric(14,2)) as first_response_minutes_clock,
    cast(kpis.resolution_minutes as numeric(14,2)) as resolution_minutes,
    cast(kpis.resolution_minutes_clock as numeric(14,2)) as resolution_minutes_clock,
    cast(kpis.closed_loop_rate as numeric(6,5)) as closed_loop_rate,
    cast(kpis.pipeline_value as numeric(18,2)) as pipeline_value,
    cast(kpis.weighted_pipeline_value as numeric(18,2)) as weighted_pipeline_value,
    cast(kpis.won_value as numeric(18,2)) as won_value,
    cast(kpis.win_rate as numeric(6,5)) as win_rate,
    cast(kpis.sales_forecast as numeric(18,2)) as sales_forecast,
    cast(kpis.sales_forecast_error as numeric(20,4)) as sales_forecast_error
from {{ ref('dim_dates') }} as days
inner join kpis on days.date_day = cast(kpis.metric_time__day as date)
where days.date_day <= {{ as_of_date() }}
