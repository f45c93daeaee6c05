"""How 纷享销客 says no: HTTP 200 and a number."""

from __future__ import annotations

import uuid
from typing import Any

from tests.fakes.exchange import Answer

EXPIRED_TOKEN = 20016
BAD_SECRET = 10006
BAD_PARAMETERS = 32000
OFFSET_TOO_LARGE = 10013
TOO_OFTEN = 30004
MINTING_ALREADY = 50009
DAY_USED_UP = 30002
NO_QUOTA = 30003

MESSAGES = {
    -1: "系统繁忙",
    10006: "appId 或 appSecret 不正确",
    10013: "offset 超出上限",
    14001: "服务暂时不可用",
    15003: "没有数据权限",
    20014: "没有功能权限",
    20016: "accessToken 已过期",
    20020: "没有接口权限",
    30002: "当日调用次数已用完",
    30003: "没有可用的调用额度",
    30004: "接口调用过于频繁",
    32000: "参数错误",
    50009: "请勿并发获取 token",
}


class FxiaokeError(Exception):
    """A refusal on its way to the caller."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def answer(self) -> Answer:
        message = MESSAGES.get(self.code, "未知错误")
        return reply({}, self.code, f"{message}: {self.detail}" if self.detail else message)


def reply(body: dict[str, Any], code: int = 0, message: str = "success") -> Answer:
    return Answer(200, {"errorCode": code, "errorMessage": message, "traceId": uuid.uuid4().hex} | body)
