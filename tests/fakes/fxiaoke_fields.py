"""The objects of a made-up 纷享销客 tenant and their fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """One column of an object, as its description tells it."""

    name: str
    type: str
    label: str
    required: bool = False
    target: str = ""  # of an object_reference
    options: tuple[tuple[str, str], ...] = ()  # value, label

    def described(self) -> dict[str, Any]:
        described: dict[str, Any] = {"type": self.type, "label": self.label, "is_required": self.required}
        if self.options:
            described["options"] = [{"value": value, "label": label} for value, label in self.options]
        if self.target:
            described["target_api_name"] = self.target
        return described | {"api_name": self.name, "is_active": True}


NUMBERS = {"number", "currency", "percentile"}
TIMES = {"date", "time", "date_time"}
LISTS = {"employee", "department", "select_many"}
LIFE = (("normal", "正常"), ("ineffective", "未生效"), ("under_review", "审核中"), ("invalid", "作废"))
YES_NO = (("true", "是"), ("false", "否"))
CHOICES = (("option1", "选项一"), ("option2", "选项二"), ("other", "其他"))

EVERYWHERE = (
    Field("_id", "text", "数据ID", True),
    Field("create_time", "date_time", "创建时间"),
    Field("last_modified_time", "date_time", "最后修改时间"),
    Field("created_by", "employee", "创建人"),
    Field("last_modified_by", "employee", "最后修改人"),
    Field("owner", "employee", "负责人", True),
    Field("owner_department", "text", "负责人主属部门"),
    Field("data_own_department", "department", "归属部门"),
    Field("record_type", "record_type", "业务类型", True),
    Field("life_status", "select_one", "生命状态", options=LIFE),
    Field("lock_status", "select_one", "锁定状态", options=(("0", "未锁定"), ("1", "锁定"))),
    Field("is_deleted", "true_or_false", "是否作废", options=YES_NO),
    Field("version", "number", "版本"),
    Field("field_remark__c", "long_text", "备注"),
)
# name type label; `>` names the target of a reference, `!` a required field.
OBJECTS = {
    "LeadsObj": "name text! 姓名|company text 公司|mobile phone_number 手机|email email 邮件|source select_one 来源|"
    "leads_status select_one 状态|account_id object_reference>AccountObj 转换客户",
    "AccountObj": "name text! 客户名称|account_no text 客户编号|tel phone_number 电话|email email 邮件|url url 网址|"
    "industry_level1 select_one 行业|account_level select_one 级别|province text 省|city text 市|address text 详细地址|"
    "deal_status select_one 成交状态|last_deal_closed_amount currency 最近成交金额|"
    "last_followed_time date_time 最后跟进时间|"
    "parent_account_id object_reference>AccountObj 上级客户",
    "ContactObj": "name text! 姓名|account_id object_reference>AccountObj 客户|mobile1 phone_number 手机|"
    "tel1 phone_number 电话|email email 邮件|job_title text 职务|department text 部门|birthday date 生日",
    "NewOpportunityObj": "name text! 商机名称|account_id object_reference>AccountObj 客户|amount currency 金额|"
    "sales_stage select_one 阶段|sales_status select_one 状态|probability percentile 赢率|close_date date 预计成交日期",
    "SalesOrderObj": "name auto_number! 订单编号|account_id object_reference>AccountObj! 客户|order_time date 下单日期|"
    "order_amount currency 订单金额|order_status select_one 状态|"
    "opportunity_id object_reference>NewOpportunityObj 商机|"
    "settle_type select_one 结算方式",
    "SalesOrderProductObj": "name auto_number! 编号|order_id object_reference>SalesOrderObj! 订单|"
    "product_id object_reference>ProductObj! 产品|quantity number 数量|sales_price currency 单价|"
    "subtotal currency 小计|"
    "discount percentile 折扣",
    "ProductObj": "name text! 产品名称|product_code text 编码|price currency 标准价格|unit select_one 单位|"
    "category select_one 分类|product_status select_one 状态",
    "CasesObj": "name auto_number! 工单编号|title text 主题|account_id object_reference>AccountObj 客户|"
    "contact_id object_reference>ContactObj 联系人|case_status select_one 状态|priority select_one 优先级|"
    "close_time date_time 关闭时间|problem_types select_many 问题类型",
    "ActiveRecordObj": "name text 主题|active_record_content long_text 跟进内容|active_record_type select_one 类型|"
    "account_id object_reference>AccountObj 客户|contact_id object_reference>ContactObj 联系人|"
    "visit_time date_time 时间",
    "ServiceRecordObj": "name auto_number! 编号|case_id object_reference>CasesObj 工单|"
    "account_id object_reference>AccountObj 客户|service_type select_one 类型|content long_text 内容|"
    "duration number 时长",
    "MemberObj": "name text! 会员名称|phone phone_number 手机|member_level select_one 等级|points number 积分|"
    "account_id object_reference>AccountObj 客户|is_active true_or_false 是否有效",
    "CreditFileObj": "name auto_number! 编号|account_id object_reference>AccountObj! 客户|"
    "credit_quota currency 信用额度|"
    "start_time date 开始日期|end_time date 结束日期",
    "PersonnelObj": "name text! 姓名|user_id text 员工ID|phone phone_number 手机|email email 邮件|position text 职位|"
    "status select_one 状态",
    "object_visit__c": "name text! 拜访名称|account_id__c object_reference>AccountObj 客户|score__c number 评分|"
    "visit_time__c date_time 时间|kinds__c select_many 类型",
}


def parse(text: str) -> list[Field]:
    fields = []
    for line in text.split("|"):
        name, kind, label = line.split(" ")
        required = kind.endswith("!")
        kind, _, target = kind.rstrip("!").partition(">")
        options = CHOICES if kind.startswith("select") else YES_NO if kind == "true_or_false" else ()
        fields.append(Field(name, kind, label, required, target, options))
    return fields


def fields_of(name: str) -> dict[str, Field]:
    return {field.name: field for field in (*EVERYWHERE, *parse(OBJECTS[name]))}
