-- Grain: one row per survey, driver and level: how many of its answers are satisfied, against all other levels of the driver.
with

responses as (

    select
        response_id,
        survey,
        subject,
        language,
        coalesce(customer_id, response_id) as respondent,
        score_group in ('satisfied', 'promoter') as is_satisfied
    from {{ ref('fct_survey_responses') }}
    where
        survey in ('csat', 'nps')
        and score is not null

),

themes as (

    select
        feedback_id,
        theme
    from {{ ref('fct_feedback') }}

),

requests as (

    select
        request_id,
        request_type,
        channel,
        is_reopened,
        case
            when response_minutes_business <= 60 then 'within an hour'
            when response_minutes_business <= 240 then 'within four hours'
            when response_minutes_business > 240 then 'later'
        end as response_time
    from {{ ref('fct_service_requests') }}

),

answers as (

    select
        responses.survey,
        responses.respondent,
        responses.is_satisfied,
        themes.theme,
        responses.language,
        requests.request_type,
        requests.channel,
        requests.response_time,
        case when requests.is_reopened then 'yes' when not requests.is_reopened then 'no' end as reopened
    from responses
    left join themes on responses.response_id = themes.feedback_id
    left join requests on responses.subject = requests.request_id

),

levels as (

    {{ driver_levels('answers', ['theme', 'language', 'request_type', 'channel', 'response_time', 'reopened']) }}

),

compared as (

    select
        *,
        sum(count_answers) over (partition by survey, driver) - count_answers as count_other_answers,
        sum(count_satisfied) over (partition by survey, driver) - count_satisfied as count_other_satisfied
    from levels

),

shares as (

    select
        survey,
        driver,
        level,
        count_answers,
        count_satisfied,
        count_respondents,
        count_other_answers,
        cast(count_satisfied as double precision) / count_answers as own_share,
        {{ wilson_bound('count_satisfied', 'count_answers', '-') }} as own_low,
        {{ wilson_bound('count_satisfied', 'count_answers', '+') }} as own_high,
        cast(count_other_satisfied as double precision) / nullif(count_other_answers, 0) as others_share,
        {{ wilson_bound('count_other_satisfied', 'count_other_answers', '-') }} as others_low,
        {{ wilson_bound('count_other_satisfied', 'count_other_answers', '+') }} as others_high
    from compared

),

effects as (

    select
        *,
        own_share - others_share as effect,
        {{ newcombe_bound('own', 'others', '-') }} as effect_low,
        {{ newcombe_bound('own', 'others', '+') }} as effect_high
    from shares

),

{{ hidden_groups(
    'guarded', 'effects', 'count_respondents', is_small_group('count_respondents'),
    totals=[['survey', 'driver']], key=['level']
) }},

judged as (

    select
        *,
        is_hidden
        or count_answers < {{ var('small_sample') }}
        or count_other_answers < {{ var('small_sample') }} as is_small_sample
    from guarded

)

select
    survey,
    driver,
    level,
    cast({{ shown('count_answers', 'is_hidden') }} as integer) as count_answers,
    cast({{ shown('count_satisfied', 'is_hidden') }} as integer) as count_satisfied,
    cast({{ shown('own_share', 'is_hidden') }} as numeric(6, 5)) as satisfied_share,
    cast({{ shown('own_low', 'is_hidden') }} as numeric(6, 5)) as satisfied_share_low,
    cast({{ shown('own_high', 'is_hidden') }} as numeric(6, 5)) as satisfied_share_high,
    cast({{ shown('effect', 'is_hidden') }} as numeric(6, 5)) as effect,
    cast({{ shown('effect_low', 'is_hidden') }} as numeric(6, 5)) as effect_low,
    cast({{ shown('effect_high', 'is_hidden') }} as numeric(6, 5)) as effect_high,
    is_small_sample,
    case
        when is_small_sample then 'too few answers'
        when effect_low > 0 then 'more satisfied than others'
        when effect_high < 0 then 'less satisfied than others'
        else 'no clear difference'
    end as finding,
    is_hidden as is_suppressed
from judged
