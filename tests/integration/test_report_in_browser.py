"""The report in a real browser: no console error, no missing glyph, readable in light and dark, true numbers."""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.integration.conftest import Installation

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Draws each character of the page with its own font and compares it with a character no font has.
MISSING_GLYPHS = """
() => {
  const picture = (text, font) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 40;
    const context = canvas.getContext('2d');
    context.font = font;
    context.fillText(text, 4, 30);
    return canvas.toDataURL();
  };
  const missing = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const style = getComputedStyle(node.parentElement);
    if (style.display === 'none' || ['STYLE', 'SCRIPT'].includes(node.parentElement.tagName)) continue;
    const font = `20px ${style.fontFamily}`;
    const unknown = [picture('\\u{10FFFD}', font), picture('\\u{E0B1}', font)];
    for (const character of new Set(node.textContent.replace(/\\s/g, ''))) {
      if (unknown.includes(picture(character, font))) missing.add(character);
    }
  }
  return [...missing];
}
"""
CONTRAST = """
() => {
  const light = rgb => { const [r, g, b] = rgb.match(/[\\d.]+/g).map(Number).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const texts = [...document.querySelectorAll('h1, p, td, th, .measures span, svg text')];
  // A letter in a chart may stand on a mark instead of the page: the smallest shape around its middle.
  const mark = text => {
    const at = text.getBoundingClientRect(), x = at.x + at.width / 2, y = at.y + at.height / 2;
    const size = shape => { const box = shape.getBoundingClientRect(); return box.width * box.height; };
    return [...text.ownerSVGElement.querySelectorAll('path')].filter(shape => {
      const box = shape.getBoundingClientRect();
      return getComputedStyle(shape).fill !== 'none' && !text.contains(shape)
        && box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
    }).sort((one, other) => size(one) - size(other))[0];
  };
  return Math.min(...texts.map(node => {
    const style = getComputedStyle(node);
    const ink = node.namespaceURI.endsWith('svg') ? style.fill : style.color;
    const under = node.namespaceURI.endsWith('svg') && mark(node);
    const colour = element => light(getComputedStyle(element).backgroundColor);
    const box = under ? light(getComputedStyle(under).fill) : node.closest('.note') ? colour(node.closest('.note'))
      : node.closest('section') ? colour(node.closest('section')) : paper;
    return ratio(light(ink), box);
  }));
}
"""
CHARTS = ("stages", "gates", "segments", "values", "churn", "calibration: churn", "calibration: value", "drift")


@pytest.fixture(scope="module")
def browser():
    path = os.environ.get("KEHU_BROWSER") or next((found for name in NAMES if (found := shutil.which(name))), None)
    assert path, "no Chromium: `make test` installs Debian's where it may"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


def open_report(browser, sample: Installation, scheme: str) -> tuple[Page, list[str]]:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1100, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
    page.goto(sample.report().as_uri())
    return page, complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_missing_wrong_or_unreadable(browser, sample, scheme):
    page, complaints = open_report(browser, sample, scheme)
    assert page.evaluate(MISSING_GLYPHS) == []
    assert page.evaluate(CONTRAST) >= 4.5
    assert page.evaluate("document.querySelectorAll('svg').length") == len(CHARTS)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert complaints == []
    page.evaluate("document.body.append('\\u{F8FF}')")  # a character no font has: the check must see it
    assert page.evaluate(MISSING_GLYPHS) == ["\uf8ff"]


def test_its_numbers_are_those_of_the_marts(browser, sample):
    page, _ = open_report(browser, sample, "light")
    (customers, value, churn), *_ = sample.rows(
        """
        select (select count(*) from marts.dim_customers where has_purchased),
            sum(customer_value), avg(churn_probability)
        from marts.fct_customer_scores
        """
    )
    tiles = page.locator(".tile b").all_inner_texts()
    assert tiles[0] == f"{customers:,}"
    assert tiles[3] == f"{value:,.2f}"
    assert tiles[4] == f"{churn:.1%}"
    top = sample.rows(
        "select customer_id from marts.fct_customer_scores where customer_value_change > 0"
        " order by customer_value_change desc, customer_id limit 10"
    )
    table = page.locator("section", has=page.get_by_role("heading", name="Up", exact=True))
    assert table.locator("tbody td:first-child").all_inner_texts() == [row[0] for row in top]
