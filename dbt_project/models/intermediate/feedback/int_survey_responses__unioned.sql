-- Grain: one row per questionnaire known on the night: whom it was sent to, what it asks about, what its score is worth.
with

csat as (

    {{ current_records(ref('stg_surveys__csat_versions'), 'response_id') }}

),

nps as (

    {{ current_records(ref('stg_surveys__nps_versions'), 'response_id') }}

),

market_research as (

    {{ current_records(ref('stg_surveys__market_research_versions'), 'response_id') }}

),

voices as (

    select * from {{ ref('int_support_voices__unioned') }}

),

subjects as (

    -- To the survey the numbers of tickets, chats and calls are one row of numbers.
    select distinct on (desk_number)
        desk_number as subject_id,
        voice_id as request_id,
        order_number
    from voices
    where voice_type in ('ticket', 'chat', 'call', 'call_back')
    order by desk_number asc, voice_id asc

),

customers as (

    select
        record_key,
        customer_id
    from {{ ref('stg_identity__assignments') }}
    where kind = 'person'

),

told as (

    select
        'surveys.csat:' || csat.response_id as response_id,
        'csat' as survey,
        subjects.request_id,
        subjects.order_number,
        csat.score_raw,
        csat.score,
        1 as lowest_score,
        5 as highest_score,
        csat.comment,
        csat.language,
        csat.sent_at,
        csat.answered_at,
        csat.changed_at
    from csat
    left join subjects on csat.subject_id = subjects.subject_id
    union all
    select
        'surveys.nps:' || response_id as response_id,
        'nps' as survey,
        null as request_id,
        order_number,
        score_raw,
        score,
        0 as lowest_score,
        10 as highest_score,
        comment,
        language,
        sent_at,
        answered_at,
        changed_at
    from nps
    union all
    -- A panel asks for weights and words, not for one score.
    select
        'surveys.market_research:' || response_id as response_id,
        'market_research' as survey,
        null as request_id,
        null as order_number,
        null as score_raw,
        null as score,
        null as lowest_score,
        null as highest_score,
        comment,
        language,
        sent_at,
        answered_at,
        changed_at
    from market_research

),

judged as (

    select
        *,
        (answered_at is not null or score_raw is not null or comment is not null) as is_answered,
        case
            when lowest_score is null then null
            when score_raw is null and (answered_at is not null or comment is not null) then 'missing'
            when score_raw is null then null
            when score is null then 'not_a_number'
            when score <> trunc(score) then 'not_whole'
            when score not between lowest_score and highest_score then 'out_of_range'
        end as score_problem
    from told
    -- What tells of a time after the night is not known yet, whatever its file says.
    where (coalesce(greatest(sent_at, answered_at), changed_at) >= {{ as_of_end() }}) is not true

),

scored as (

    select
        *,
        case when score_problem is null then cast(score as integer) end as valid_score
    from judged

),

grouped as (

    select
        scored.response_id,
        scored.survey,
        customers.customer_id,
        scored.request_id,
        upper(scored.order_number) as order_number,
        scored.valid_score as score,
        scored.lowest_score || '-' || scored.highest_score as score_scale,
        case
            when scored.survey = 'nps' and scored.valid_score >= 9 then 'promoter'
            when scored.survey = 'nps' and scored.valid_score >= 7 then 'passive'
            when scored.survey = 'nps' and scored.valid_score >= 0 then 'detractor'
            when scored.survey = 'csat' and scored.valid_score >= 4 then 'satisfied'
            when scored.survey = 'csat' and scored.valid_score = 3 then 'neutral'
            when scored.survey = 'csat' and scored.valid_score >= 1 then 'dissatisfied'
        end as score_group,
        scored.score_problem,
        -- How far up its scale the score is: what makes scores of two surveys comparable.
        cast(
            cast(scored.valid_score - scored.lowest_score as numeric) / (scored.highest_score - scored.lowest_score)
            as numeric(5, 4)
        ) as rating_share,
        scored.is_answered,
        scored.comment,
        scored.language,
        scored.sent_at,
        scored.answered_at,
        -- Negative where the clocks of two systems disagree; that is no time of response.
        cast(
            case
                when scored.answered_at >= scored.sent_at
                    then extract(epoch from scored.answered_at - scored.sent_at) / 3600
            end as numeric(12, 2)
        ) as response_hours,
        scored.changed_at
    from scored
    left join customers on scored.response_id = customers.record_key

)

select * from grouped
