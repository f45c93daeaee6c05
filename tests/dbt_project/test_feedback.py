"""What customers say: survey answers, public mentions and words to the service desk, as known on the night."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal

import pytest

from ml.feedback.job import score
from ml.tables import FeatureError
from tests.dbt_project.warehouse import DAY, Warehouse, line

NEXT_DAY = date(2024, 3, 6)
ASSIGNED = (
    "surveys.nps:n1",
    "support.tickets:T1",
    "support.complaints:K1",
    "social.handles:forum/jo",
    "zoho_crm.Cases:z1",
)
ENTITIES = {
    "surveys": ("csat", "nps", "market_research"),
    "support": ("tickets", "chats", "complaints", "calls"),
    "social": ("posts", "mentions"),
    "zoho_crm": ("Cases",),
    "fxiaoke": ("CasesObj",),
}
RAW_TABLES = {"Cases": "cases", "CasesObj": "cases_obj"}
# Why a record that is known is in no fact.
DELETED = {"surveys.nps:n3", "support.tickets:T2", "social.posts:B2"}
LATER = {"surveys.nps:n6", "social.mentions:Q3", "support.chats:H2"}
UNANSWERED = {"surveys.nps:n5"}


def at(day, time="10:00:00"):
    return f"2024-03-{day:02d}T{time}+00:00"


def utc(day, hour=10, minute=0):
    return datetime(2024, 3, day, hour, minute, tzinfo=timezone.utc)


def answer(score, sent=1, answered=2, **fields):
    return {"score": score, "sent_at": sent and at(sent), "answered_at": answered and at(answered), **fields}


def land_surveys(warehouse):
    first = answer(3, order_number="1")
    garbage = {"score": "ten", "sent_at": "infinity", "answered_at": "now", "comment": "  ", "order_number": "9"}
    nps = [
        ("n1", "2024-03-02 10:00", first),
        ("n2", "2024-03-02 10:00", answer(8)),
        ("n3", "2024-03-02 10:00", answer(9)),
        ("n4", "2024-03-03 10:00", garbage),
        ("n5", "2024-03-03 10:00", {"score": None, "sent_at": at(3), "answered_at": None}),
        ("n6", "2024-03-05 10:00", answer(9, answered=6)),
        ("n7", "2024-03-02 10:00", answer(6, sent=None)),
        # Without an offset: UTC. An hour ahead of it, after midnight there: still the day before.
        (
            "n8",
            "2024-03-02 10:00",
            answer(9) | {"sent_at": "2024-03-01T10:00:00", "answered_at": "2024-03-02T00:30:00+01:00"},
        ),
    ]
    warehouse.land("surveys", "nps", nps)
    # n1 is corrected late, n2's older version arrives late, n3 and n7 are deleted, n7 comes back unchanged.
    late = [
        ("n1", "2024-03-04 10:00", first | {"score": 9, "comment": "Great"}),
        ("n2", "2024-03-01 10:00", answer(1)),
        ("n3", "2024-03-03 10:00", None),
        ("n7", "2024-03-03 10:00", None),
    ]
    warehouse.land("surveys", "nps", late)
    warehouse.land("surveys", "nps", [nps[6]])
    warehouse.land(
        "surveys", "nps", [("n1", "2024-03-05 10:00", first | {"score": 0}), ("n9", "2024-03-05 10:00", first)]
    )
    tomorrow = f"update ops.loads set as_of_date = '{NEXT_DAY}'"
    warehouse.execute(f"{tomorrow} where load_id = (select max(load_id) from ops.loads)")
    csat = [
        ("c1", "2024-03-02 10:00", answer(5, subject_id="T1")),
        ("c2", "2024-03-02 10:00", answer(0, subject_id="L1")),
    ]
    warehouse.land("surveys", "csat", [*csat, ("c3", "2024-03-02 10:00", answer(2, subject_id="K1", language="zh-CN"))])
    panel = {"comment": "Dear", "answered_at": at(2), "importance_price": 4}
    warehouse.land("surveys", "market_research", [("m1", "2024-03-02 10:00", panel)])


def thread(text, **fields):
    return {"channel": "mail", "body": text, "subject": "Help", "language": "en", "opened_at": at(1), **fields}


def land_support(warehouse):
    open_ticket = thread("Where is it", order_number="1")
    tickets = [
        ("T1", "2024-03-01 10:00", open_ticket | {"status": "open"}),
        ("T1", "2024-03-03 10:00", open_ticket | {"status": "solved"}),
        ("T2", "2024-03-01 10:00", thread("Never mind")),
        (
            "T3",
            "2024-03-04 23:30",
            {"body": " ", "subject": "Lamp", "opened_at": "2024-13-01T00:00:00Z", "language": "klingon"},
        ),
    ]
    warehouse.land("support", "tickets", [*tickets, ("T2", "2024-03-02 10:00", None)])
    chats = [
        ("H1", "2024-03-01 10:00", thread("Hello", channel="Chat")),
        ("H2", "2024-03-05 10:00", thread("Hi", opened_at=at(6))),
    ]
    warehouse.land("support", "chats", chats)
    warehouse.land("support", "complaints", [("K1", "2024-03-01 10:00", thread("Broken", order_number="none"))])
    call = {"channel": "phone", "language": "en", "started_at": at(2), "order_number": "c1"}
    calls = [("L1", "2024-03-02 10:05", call | {"direction": "Outbound", "summary": "Is content"})]
    warehouse.land("support", "calls", [*calls, ("L2", "2024-03-02 10:05", call | {"direction": "inbound"})])
    case = {"Description": "Late", "Order_Number": "1", "Case_Origin": "Web", "Created_Time": at(1)}
    warehouse.land("zoho_crm", "Cases", [("z1", "2024-03-03 10:00", case)])
    case = {"problem_description": "颜色发错了", "create_time": 1709287200000}  # 2024-03-01 10:00 UTC
    warehouse.land("fxiaoke", "CasesObj", [("f1", "2024-03-03 10:00", case)])


def land_social(warehouse):
    post = {"platform": "forum", "kind": "post", "handle": "@Jo", "text": "Nice", "likes": 1, "language": "en"}
    review = post | {"platform": "review_site", "kind": "review", "handle": "@ann", "product_code": "p", "rating": 4}
    posts = [
        ("B1", "2024-03-01 10:00", post | {"posted_at": at(1)}),
        ("B1", "2024-03-02 10:00", post | {"posted_at": at(1), "likes": 9, "text": "Very nice"}),
        ("B2", "2024-03-01 10:00", post | {"posted_at": at(1)}),
        ("B2", "2024-03-02 10:00", None),
        ("R1", "2024-03-01 10:00", review | {"posted_at": at(1)}),
        (
            "R2",
            "2024-03-03 10:00",
            review | {"rating": "many", "likes": "1e99", "product_code": "unsold", "posted_at": 5},
        ),
    ]
    warehouse.land("social", "posts", posts)
    mention = {"platform": "video", "handle": "@bob", "category": "gifts", "text": "Kehu", "language": "en"}
    mentions = [
        ("Q1", "2024-03-01 10:00", mention | {"brand": "KEHU gifts", "mentioned_at": at(1)}),
        ("Q2", "2024-03-01 10:00", mention | {"brand": "Beech", "mentioned_at": at(1)}),
        ("Q3", "2024-03-05 10:00", mention | {"brand": "Beech", "mentioned_at": at(6, "00:00:00")}),
    ]
    warehouse.land("social", "mentions", mentions)
    like = {"post_id": "B1", "handle": "@ann", "kind": "like", "reacted_at": at(2)}
    reactions = [("X1", "2024-03-02 10:00", like), ("X2", "2024-03-02 10:00", like), ("X3", "2024-03-02 10:00", like)]
    warehouse.land("social", "reactions", [*reactions, ("X3", "2024-03-03 10:00", None)])


@pytest.fixture(scope="module")
def world(server_url):
    warehouse = Warehouse(server_url)
    lines = [line("1", "7"), line("C1", "7") | {"Quantity": "-1"}]
    warehouse.land_columns("shop", "order_lines", lines, DAY)
    land_surveys(warehouse)
    land_support(warehouse)
    land_social(warehouse)
    for key in ASSIGNED:
        warehouse.execute(f"""
            insert into identity.assignments (kind, record_key, customer_id, valid_from)
            values ('person', '{key}', 'p1', '{DAY}')
        """)
    build(warehouse)
    return warehouse


def build(warehouse, day=DAY):
    """Texts, what they mean, and the marts."""
    warehouse.build_nodes("+ftr_feedback_texts", day=day)
    score(warehouse.url, day)
    warehouse.build_nodes("+path:models/marts/feedback", "+fct_feedback_themes", day=day)


def read(warehouse, mart, columns, where="true"):
    (run_id,) = warehouse.rows("select max(run_id) from ops.runs")[0]
    key = {"fct_survey_responses": "response_id", "fct_social_mentions": "mention_id"}.get(mart, "feedback_id")
    found = warehouse.rows(f"select {key}, {columns} from run_{run_id}.{mart} where {where} order by 1")
    return {key: tuple(values) for key, *values in found}


def test_a_survey_answer_is_its_newest_known_version(world):
    columns = "customer_id, subject, order_id, score, score_group, score_problem, is_answered"
    assert read(world, "fct_survey_responses", columns, "survey = 'nps'") == {
        "surveys.nps:n1": ("p1", "1", "1", 9, "promoter", None, True),
        "surveys.nps:n2": (None, None, None, 8, "passive", None, True),
        "surveys.nps:n4": (None, None, None, None, None, "not_a_number", True),
        "surveys.nps:n5": (None, None, None, None, None, None, False),
        "surveys.nps:n7": (None, None, None, 6, "detractor", None, True),
        "surveys.nps:n8": (None, None, None, 9, "promoter", None, True),
    }


def test_satisfaction_is_about_a_request_and_its_order(world):
    columns = "subject, order_id, score, score_scale, score_group, score_problem, language"
    assert read(world, "fct_survey_responses", columns, "survey <> 'nps'") == {
        "surveys.csat:c1": ("support.tickets:T1", "1", 5, "1-5", "satisfied", None, None),
        "surveys.csat:c2": ("support.calls:L1", "C1", None, "1-5", None, "out_of_range", None),
        "surveys.csat:c3": (None, None, 2, "1-5", "dissatisfied", None, "zh"),
        "surveys.market_research:m1": (None, None, None, None, None, None, None),
    }


def test_times_of_answers(world):
    columns = "sent_at, answered_at, answered_date, response_hours"
    times = read(world, "fct_survey_responses", columns, "response_id ~ 'n[14578]$'")
    assert times == {
        "surveys.nps:n1": (utc(1), utc(2), date(2024, 3, 2), Decimal("24.00")),
        "surveys.nps:n4": (None, None, None, None),
        "surveys.nps:n5": (utc(3), None, None, None),
        "surveys.nps:n7": (None, utc(2), date(2024, 3, 2), None),
        "surveys.nps:n8": (utc(1), utc(1, 23, 30), date(2024, 3, 1), Decimal("13.50")),
    }


def test_mentions(world):
    columns = "platform, kind, customer_id, brand, is_own_brand, competitor, category, product_id, rating"
    ours, theirs = ("Kehu Gifts", True, None), ("Beech", False, "Beech")
    assert read(world, "fct_social_mentions", columns) == {
        "social.mentions:Q1": ("video", "mention", None, "KEHU gifts", True, None, "gifts", None, None),
        "social.mentions:Q2": ("video", "mention", None, *theirs, "gifts", None, None),
        "social.posts:B1": ("forum", "post", "p1", *ours, None, None, None),
        "social.posts:R1": ("review_site", "review", None, *ours, None, "P", Decimal("4.0")),
        "social.posts:R2": ("review_site", "review", None, *ours, None, None, None),
    }
    columns = "count_likes, count_reactions, language, mentioned_at, mentioned_date"
    assert read(world, "fct_social_mentions", columns, "mention_id ~ '(B1|R2|Q1)$'") == {
        "social.mentions:Q1": (None, None, "en", utc(1), date(2024, 3, 1)),
        "social.posts:B1": (9, 2, "en", utc(1), date(2024, 3, 1)),
        "social.posts:R2": (None, 0, "en", utc(3), date(2024, 3, 3)),
    }


def test_all_voices_have_one_shape(world):
    columns = "feedback_type, channel, customer_id, product_id, order_id, is_own_brand, rating_share, text, language"
    share = Decimal
    assert read(world, "fct_feedback", columns) == {
        "fxiaoke.CasesObj:f1": ("case", "unknown", None, None, None, True, None, "颜色发错了", None),
        "social.mentions:Q1": ("mention", "video", None, None, None, True, None, "Kehu", "en"),
        "social.mentions:Q2": ("mention", "video", None, None, None, False, None, "Kehu", "en"),
        "social.posts:B1": ("post", "forum", "p1", None, None, True, None, "Very nice", "en"),
        "social.posts:R1": ("review", "review_site", None, "P", None, True, share("0.75"), "Nice", "en"),
        "social.posts:R2": ("review", "review_site", None, None, None, True, None, "Nice", "en"),
        "support.calls:L1": ("call_back", "phone", None, None, "C1", True, None, "Is content", "en"),
        "support.calls:L2": ("call", "phone", None, None, "C1", True, None, None, "en"),
        "support.chats:H1": ("chat", "chat", None, None, None, True, None, "Hello", "en"),
        "support.complaints:K1": ("complaint", "mail", "p1", None, None, True, None, "Broken", "en"),
        "support.tickets:T1": ("ticket", "mail", "p1", None, "1", True, None, "Where is it", "en"),
        "support.tickets:T3": ("ticket", "unknown", None, None, None, True, None, "Lamp", None),
        "surveys.csat:c1": ("csat", "survey", None, None, "1", True, share(1), None, None),
        "surveys.csat:c2": ("csat", "survey", None, None, "C1", True, None, None, None),
        "surveys.csat:c3": ("csat", "survey", None, None, None, True, share("0.25"), None, "zh"),
        "surveys.market_research:m1": ("market_research", "survey", None, None, None, None, None, "Dear", None),
        "surveys.nps:n1": ("nps", "survey", "p1", None, "1", True, share("0.9"), "Great", None),
        "surveys.nps:n2": ("nps", "survey", None, None, None, True, share("0.8"), None, None),
        "surveys.nps:n4": ("nps", "survey", None, None, None, True, None, None, None),
        "surveys.nps:n7": ("nps", "survey", None, None, None, True, share("0.6"), None, None),
        "surveys.nps:n8": ("nps", "survey", None, None, None, True, share("0.9"), None, None),
        "zoho_crm.Cases:z1": ("case", "web", "p1", None, "1", True, None, "Late", None),
    }
    assert set(read(world, "fct_feedback", "has_text = (text is not null)").values()) == {(True,)}


def test_texts_are_read(world):
    columns = "sentiment, theme, sentiment_confidence >= 0.6, read_language"
    told = read(world, "fct_feedback", columns, "feedback_id ~ '(f1|B1|n1|K1|z1|c1)$'")
    assert told == {
        "fxiaoke.CasesObj:f1": ("negative", "wrong_item", True, "zh"),
        "social.posts:B1": ("positive", "other", True, "en"),
        "support.complaints:K1": ("negative", "quality", True, "en"),
        "surveys.csat:c1": (None, None, None, None),
        "surveys.nps:n1": ("positive", "other", True, "en"),
        "zoho_crm.Cases:z1": ("unknown", "delivery", False, "en"),
    }
    ((texts, scored),) = world.rows("""
        select
            (select count(*) from ml_features.ftr_feedback_texts),
            (select count(*) from ml.feedback_scores)
    """)
    assert texts == scored > 0
    ((columns,),) = world.rows("""
        select string_agg(column_name, ' ' order by ordinal_position) from information_schema.columns
        where table_schema = 'ml' and table_name = 'feedback_scores'
    """)
    assert " text " not in f" {columns} "


def test_a_text_is_read_once_per_version(world):
    ((before,),) = world.rows("select max(model_version) from ml.feedback_scores")
    assert score(world.url, DAY).rows_out == 0
    world.execute("delete from ml.feedback_scores where text_key = (select min(text_key) from ml.feedback_scores)")
    assert score(world.url, DAY).rows_out == 1
    world.execute(
        "insert into ml.feedback_scores select 'gone', model_version, 'en', 'neutral', 1, 'other', 'other', scored_at"
        " from ml.feedback_scores limit 1"
    )
    score(world.url, DAY)
    # What is no longer said is forgotten.
    assert world.rows("select count(*) from ml.feedback_scores where text_key = 'gone'") == [(0,)]
    assert world.rows("select distinct model_version from ml.feedback_scores") == [(before,)]
    with pytest.raises(FeatureError, match="not of 2024-03-06"):
        score(world.url, NEXT_DAY)


def test_when_it_was_said(world):
    times = read(world, "fct_feedback", "occurred_at, occurred_date", "feedback_id ~ '(f1|z1|T1|T3|L1|R2|n4|n8)$'")
    assert times == {
        "fxiaoke.CasesObj:f1": (utc(1), date(2024, 3, 1)),
        "social.posts:R2": (utc(3), date(2024, 3, 3)),
        "support.calls:L1": (utc(2), date(2024, 3, 2)),
        "support.tickets:T1": (utc(1), date(2024, 3, 1)),
        "support.tickets:T3": (utc(4, 23, 30), date(2024, 3, 4)),
        "surveys.nps:n4": (utc(3), date(2024, 3, 3)),
        "surveys.nps:n8": (utc(1, 23, 30), date(2024, 3, 1)),
        "zoho_crm.Cases:z1": (utc(1), date(2024, 3, 1)),
    }


def test_each_known_record_is_in_the_facts_or_has_a_reason(world):
    known = set()
    for source, entities in ENTITIES.items():
        for entity in entities:
            rows = world.rows(f"""
                select distinct records._record_id
                from raw_{source}.{RAW_TABLES.get(entity, entity)} as records
                inner join ops.loads on records._load_id = loads.load_id
                where loads.as_of_date <= '{DAY}'
            """)
            known |= {f"{source}.{entity}:{record}" for (record,) in rows}
    feedback = set(read(world, "fct_feedback", "1"))
    assert known - feedback == DELETED | LATER | UNANSWERED
    assert feedback <= known
    responses, mentions = (set(read(world, mart, "1")) for mart in ("fct_survey_responses", "fct_social_mentions"))
    assert {key for key in known - responses if key.startswith("surveys.")} == {"surveys.nps:n3", "surveys.nps:n6"}
    assert {key for key in known - mentions if key.startswith("social.")} == {"social.posts:B2", "social.mentions:Q3"}


def test_the_next_night_knows_what_came_with_it(world):
    """Last: it builds another night."""
    build(world, NEXT_DAY)
    scores = read(world, "fct_survey_responses", "score", "response_id ~ 'n[169]$'")
    assert scores == {"surveys.nps:n1": (0,), "surveys.nps:n6": (9,), "surveys.nps:n9": (3,)}
    assert {"social.mentions:Q3", "support.chats:H2"} <= set(read(world, "fct_feedback", "1"))


def test_an_installation_without_these_sources_has_empty_marts(server_url):
    warehouse = Warehouse(server_url)
    warehouse.land_columns("shop", "order_lines", [line("1", "7")], DAY)
    build(warehouse)
    for mart in ("fct_survey_responses", "fct_social_mentions", "fct_feedback"):
        assert read(warehouse, mart, "1") == {}
