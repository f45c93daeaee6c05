"""What each metric should be, as plain SQL on the marts that was written without the definitions."""

from __future__ import annotations

from dataclasses import dataclass

CUSTOMERS = "left join (select customer_id as id, coalesce(country, 'unknown') as land from {s}.dim_customers) c"
COUNTRY = f"{CUSTOMERS} on c.id = t.customer_id"
PRODUCTS = "left join {s}.dim_products p on p.product_id = t.product_id"
COMPANIES = "left join {s}.dim_companies c on c.company_id = t.company_id"


@dataclass(frozen=True)
class Truth:
    """A value per period and dimension: a table, its day, an aggregate, a dimension by name and SQL, a join."""

    table: str
    day: str
    value: str
    dimension: str
    dimension_sql: str
    join: str = ""
    stands_at_end: bool = False

    def sql(self, schema, grain, by_dimension=False):
        """Period, dimension where asked for, value."""
        period = f"cast(date_trunc('{grain}', t.{self.day}) as date)"
        keys = [period, *([self.dimension_sql] if by_dimension else [])]
        table = self.table if self.table.startswith("(") else f"{{s}}.{self.table}"
        if self.stands_at_end:
            last = f"max({self.day}) over (partition by date_trunc('{grain}', {self.day}))"
            table = f"(select * from (select *, {last} as last_day from {table}) u where {self.day} = last_day)"
        query = f"select {', '.join(keys)}, {self.value} from {table} t {self.join}"
        query += f" group by {', '.join(str(number + 1) for number in range(len(keys)))}"
        return query.replace("{s}", schema)


def order(value):
    return Truth("fct_orders", "order_date", value, "customer__country", "c.land", COUNTRY)


def customers(value, stands_at_end=True):
    return Truth(
        "fct_customer_days", "date_day", value, "customer_day__country", "t.country", stands_at_end=stands_at_end
    )


def response(value):
    return Truth("fct_survey_responses", "answered_date", value, "survey_response__language", "t.language")


def mention(value):
    return Truth("fct_social_mentions", "mentioned_date", value, "mention__platform", "t.platform")


def request(value):
    return Truth(
        "fct_service_requests", "opened_date", value, "service_request__channel", "coalesce(t.channel, 'other')"
    )


def pipeline(value):
    value = f"sum({value}) filter (where currency = 'GBP')"
    return Truth("fct_pipeline_days", "pipeline_date", value, "pipeline_day__source", "t.source", stands_at_end=True)


def opportunity(value):
    return Truth("fct_opportunities", "closed_date", value, "company__industry", "c.industry", COMPANIES)


def forecast(amount, months="true"):
    mine = f"filter (where currency = 'GBP' and forecast_date = target_month and {months})"
    return Truth("fct_sales_forecasts", "target_month", amount.format(mine), "", "")


MONEY_BACK = """(
    select order_date as day, customer_id, case order_type when 'order' then amount end as sold, 0 as back
    from {s}.fct_orders
    union all select returned_date, customer_id, 0, returned_amount from {s}.fct_returns
)"""
TRUTHS = {
    "revenue": order("coalesce(sum(amount) filter (where order_type = 'order'), 0)"),
    "net_revenue": order("sum(amount)"),
    "orders": order("count(*) filter (where order_type = 'order')"),
    "ordering_customers": order("count(distinct customer_id) filter (where order_type = 'order')"),
    "average_order_value": order("avg(amount) filter (where order_type = 'order')"),
    "product_revenue": Truth(
        *("fct_order_lines", "order_date", "coalesce(sum(amount) filter (where line_type = 'sale'), 0)"),
        *("product__product_type", "p.product_type", PRODUCTS),
    ),
    "returned_value": Truth(
        *("fct_returns", "returned_date", "sum(returned_amount)", "product__product_type", "p.product_type", PRODUCTS)
    ),
    "return_rate": Truth(MONEY_BACK, "day", "sum(back) / nullif(sum(sold), 0)", "customer__country", "c.land", COUNTRY),
    "known_customers": customers("sum(count_known)"),
    "purchasing_customers": customers("sum(count_purchasing)"),
    "repeat_customers": customers("sum(count_repeating)"),
    "new_customers": customers("sum(count_new)", stands_at_end=False),
    "active_customers": customers("sum(count_active)"),
    "formerly_active_customers": customers("sum(count_active_before)"),
    "retained_customers": customers("sum(count_retained)"),
    "retention_rate": customers("sum(count_retained)::float / nullif(sum(count_active_before), 0)"),
    "churn_rate": customers("1 - sum(count_retained)::float / nullif(sum(count_active_before), 0)"),
    "repurchase_rate": customers("sum(count_repeating)::float / nullif(sum(count_purchasing), 0)"),
    "consented_customers": customers("sum(count_consented)"),
    "csat": response(
        "count(*) filter (where survey = 'csat' and score_group = 'satisfied')::float"
        " / nullif(count(score) filter (where survey = 'csat'), 0)"
    ),
    "csat_score": response("avg(score) filter (where survey = 'csat')"),
    "csat_answers": response("count(score) filter (where survey = 'csat')"),
    "nps": response(
        "100.0 * (count(*) filter (where score_group = 'promoter') - count(*) filter (where score_group = 'detractor'))"
        " / nullif(count(score) filter (where survey = 'nps'), 0)"
    ),
    "nps_answers": response("count(score) filter (where survey = 'nps')"),
    "social_mentions": mention("count(*) filter (where is_own_brand)"),
    "share_of_mentions": mention(
        "count(*) filter (where kind = 'mention' and is_own_brand)::float"
        " / nullif(count(*) filter (where kind = 'mention' and is_own_brand is not null), 0)"
    ),
    "service_requests": request("count(*)"),
    "complaints": request("count(*) filter (where request_type = 'complaint')"),
    "first_response_minutes": request("percentile_cont(0.5) within group (order by response_minutes_business)"),
    "resolution_minutes": request("percentile_cont(0.5) within group (order by resolution_minutes_business)"),
    "first_response_minutes_clock": request("percentile_cont(0.5) within group (order by response_minutes_clock)"),
    "resolution_minutes_clock": request("percentile_cont(0.5) within group (order by resolution_minutes_clock)"),
    "closed_loop_rate": request(
        "count(*) filter (where is_closed_loop)::float / nullif(count(*) filter (where request_type = 'complaint'), 0)"
    ),
    "pipeline_value": pipeline("amount"),
    "weighted_pipeline_value": pipeline("weighted_amount"),
    "won_value": opportunity("coalesce(sum(amount) filter (where stage_group = 'won' and currency = 'GBP'), 0)"),
    "win_rate": opportunity(
        "count(*) filter (where stage_group = 'won')::float"
        " / nullif(count(*) filter (where stage_group in ('won', 'lost')), 0)"
    ),
    "sales_forecast": forecast("sum(forecast_amount) {0}"),
    "ended_sales_forecast": forecast("sum(forecast_amount) {0}", "is_month_over"),
    "ended_won_value": forecast("sum(won_amount) {0}", "is_month_over"),
    "sales_forecast_error": forecast("sum(forecast_amount) {0} / nullif(sum(won_amount) {0}, 0) - 1", "is_month_over"),
}
