"""Which licences are refused: known spellings of package metadata."""

from __future__ import annotations

import pytest

from tools.supply import is_refused


@pytest.mark.parametrize(
    ("licence", "refused"),
    [
        ("MIT License", False),
        ("LGPL-3.0-only", False),
        ("GNU Library or Lesser General Public License (LGPL)", False),
        ("Artistic License; GNU General Public License (GPL); GNU General Public License v2 or later (GPLv2+)", False),
        ("MIT OR GPL-3.0-only", False),
        ("GPL-3.0-only", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("GNU Affero General Public License v3", True),
        ("AGPL-3.0-or-later", True),
        ("GPL-2.0-only OR AGPL-3.0-only", True),
    ],
)
def test_only_what_leaves_no_choice_is_refused(licence, refused):
    assert is_refused(licence) is refused
