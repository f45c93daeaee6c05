from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml.identity.normalise.births import normalise_birth
from ml.identity.normalise.countries import region_of
from ml.identity.normalise.mails import normalise_mail
from ml.identity.normalise.phones import normalise_phone

NIGHT = date(2024, 12, 31)


@pytest.mark.parametrize(
    ("raw", "mail"),
    [
        ("john.smith@example.com", "johnsmith@example.com"),
        ("  John.Smith+shop@Example.COM ", "johnsmith@example.com"),
        ("mailto:johnsmith@example.com", "johnsmith@example.com"),
        ("John Smith <johnsmith@example.com>", "johnsmith@example.com"),
        ("ｊohnsmith＠example.com", "johnsmith@example.com"),
        ("johnsmith@example.com;", "johnsmith@example.com"),
        ("a@kunde.test", "a@kunde.test"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("张三@例子.中国", "张三@xn--fsqu00a.xn--fiqs8s"),
        ("abc1990@example.com", "abc1990@example.com"),
        ("testa@example.com", "testa@example.com"),
        ("na.li@example.com", "nali@example.com"),
        ("wu@example.com", "wu@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
    ],
)
def test_mails(raw, mail):
    assert normalise_mail(raw) == mail


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "",
        "n/a",
        "none",
        "a",
        "a@",
        "@b.co",
        "a@b",
        "a b@c.de",
        "a@b@c.de",
        "a@localhost",
        "+x@c.de",
        "a@-b.de",
        "test@example.com",
        "Test+1@example.com",
        "test123@example.com",
        "no.email@example.com",
        "none@example.org",
        "na@example.com",
        "xxx@x.de",
        "aaaa@x.de",
        "unknown@x.de",
        "abc@x.de",
        "bob@noemail.com",
        "info@example.net",
        "sales2@x.de",
        "no-reply@x.de",
        "NoReply@x.de",
        "support@x.de",
        "kundenservice@x.de",
    ],
)
def test_no_mails(raw):
    assert normalise_mail(raw) is None


@given(st.text() | st.emails())
@example("a@" + "b" * 300 + ".de")
@example("<" * 300)
@example("<a@b.co" * 300)
def test_mails_never_raise_and_stay(raw):
    mail = normalise_mail(raw)
    assert mail is None or normalise_mail(mail) == mail


@pytest.mark.parametrize(
    ("raw", "country", "phone"),
    [
        ("+44 (0)20 7946 0958", None, "+442079460958"),
        ("020 7946 0958", "United Kingdom", "+442079460958"),
        ("020 7946 0958", "英国", "+442079460958"),
        ("(020) 7946-0958", "GB", "+442079460958"),
        ("(44) 2079460958", "UK", "+442079460958"),
        ("(49) 1500 3118989", "Deutschland", "+4915003118989"),
        ("(44) 2079460958", None, "+442079460958"),
        ("(20) 79460958", None, "+02079460958"),
        ("(212) 5551234", None, "+02125551234"),
        ("(646) 355-1234", None, "+06463551234"),
        ("(458) 215-1234", None, "+04582151234"),
        ("(479) 412-3456", None, "+04794123456"),
        ("(86) 13812345679", None, "+8613812345679"),
        ("86 138 1234 5679", None, "+8613812345679"),
        ("00442079460958", None, "+442079460958"),
        ("0044 20 7946 0958", "China", "+442079460958"),
        ("442079460958", "England", "+442079460958"),
        ("Tel: +44 20 7946 0958", None, "+442079460958"),
        ("Fax 020 7946 0958 x12", "GB", "+442079460958"),
        ("020 7946 0958 ext. 123", "GB", "+442079460958"),
        ("020 7946 0958 / 020 7946 0959", "GB", "+442079460958"),
        ("020 7946 0958 or 07911 123457", "GB", "+442079460958"),
        ("0211/8123457", "Deutschland", "+492118123457"),
        ("138 1234 5679", None, "+8613812345679"),
        ("138-1234-5679", "USA", "+8613812345679"),
        ("16053194058", "United Kingdom", "+8616053194058"),
        ("16053194058", "USA", "+16053194058"),
        ("０１３８１２３４５６７９", "中国", "+8613812345679"),
        ("008613812345679", None, "+8613812345679"),
        ("8613812345679", "中国", "+8613812345679"),
        ("13812345679.0", "中国", "+8613812345679"),
        ("010-65551234转123", "China", "+861065551234"),
        ("010-65551234、13812345679", "China", "+861065551234"),
        ("٠٢٠٧٩٤٦٠٩٥٨", "UK", "+442079460958"),
        ("02079460958", None, "+02079460958"),
        ("02079460958", "Atlantis", "+02079460958"),
        ("+999 2079460958", None, "+09992079460958"),
    ],
)
def test_phones(raw, country, phone):
    assert normalise_phone(raw, country) == phone


def test_the_default_country_comes_last():
    assert normalise_phone("02079460958", None, "UK") == "+442079460958"
    assert normalise_phone("02079460958", "UK", "China") == "+442079460958"
    assert normalise_phone("13812345679", None, "UK") == "+8613812345679"


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "",
        "N/A",
        "-",
        "12345",
        "999123",
        "0000000000",
        "00000",
        "1111111111",
        "12345678",
        "0123456789",
        "1234567890",
        "987654321",
        "13800138000",
        "+86 138 0013 8000",
        "13888888888",
        "+1 111 111 1111",
        "020 0000 0000",
        "07700000000",
        "1.38123E+10",
        "1" * 40,
        "19 1234 5678",
    ],
)
def test_no_phones(raw):
    assert normalise_phone(raw, "China") is None


@given(st.text() | st.text("0123456789+-() x/", max_size=25), st.sampled_from([None, "China", "UK", "nowhere", ""]))
@example("+" * 300, "China")
@example("1" * 300, "China")
@example("(0" * 300, None)
@example("²¹³①234567", None)
def test_phones_never_raise_and_stay(raw, country):
    phone = normalise_phone(raw, country)
    assert phone is None or (phone[0] == "+" and phone[1:].isascii() and phone[1:].isdigit())
    assert phone is None or normalise_phone(phone) == phone


@pytest.mark.parametrize(
    ("country", "region"),
    [
        ("China", "CN"),
        ("中国", "CN"),
        ("cn", "CN"),
        ("CHN", "CN"),
        ("PRC", "CN"),
        ("United Kingdom", "GB"),
        ("U.K.", "GB"),
        ("英国", "GB"),
        ("EIRE", "IE"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("usa", "US"),
        ("Hong Kong", "HK"),
        ("台湾", "TW"),
        ("RSA", "ZA"),
        ("Channel Islands", "JE"),
        ("Unspecified", None),
        ("European Community", None),
        ("", None),
        (None, None),
        ("Elsewhere", None),
        ("Türkiye", "TR"),
        ("Czech Republic", "CZ"),
    ],
)
def test_countries(country, region):
    assert region_of(country) == region


@pytest.mark.parametrize(
    "raw",
    [
        "1990-05-13",
        " 1990-05-13 ",
        "1990/5/13",
        "1990.05.13",
        "19900513",
        "1990年5月13日",
        "１９９０年５月１３日",
        "13.05.1990",
        "13.5.1990",
        "13/05/1990",
        "05/13/1990",
        "5-13-1990",
        "1990-05-13T00:00:00Z",
        "1990-05-13 00:00:00",
    ],
)
def test_births(raw):
    assert normalise_birth(raw, NIGHT) == date(1990, 5, 13)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "",
        "n/a",
        "1990",
        "05/06/1990",
        "1990-13-01",
        "1990-02-30",
        "0000-00-00",
        "1900-01-01",
        "1901-01-01",
        "1970-01-01",
        "1899-12-30",
        "1850-05-05",
        "1904-12-30",
        "1903-12-31",
        "2025-01-01",
        "9999-12-31",
        "642556800",
    ],
)
def test_no_births(raw):
    expected = date(1904, 12, 30) if raw == "1904-12-30" else None
    assert normalise_birth(raw, NIGHT) == expected


def test_same_day_and_month_are_clear():
    assert normalise_birth("05/05/1990", NIGHT) == date(1990, 5, 5)
    assert normalise_birth("2024-12-31", NIGHT) == NIGHT


@given(st.text() | st.from_regex(r"\A\d{1,4}[-/.]?\d{1,2}[-/.]?\d{1,4}\Z"))
@example("٢٠٠٠-٠١-٠٢")
def test_births_never_raise(raw):
    birth = normalise_birth(raw, NIGHT)
    assert birth is None or normalise_birth(birth.isoformat(), NIGHT) == birth
