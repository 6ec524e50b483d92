"""The people of the demonstration: who sells, who leads them, who looks after the site."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """One user of the demonstration."""

    key: str
    name: str
    role: str
    department: str | None
    manager: str | None
    language: str
    position: str

    @property
    def email(self) -> str:
        """Return the name to sign in with."""
        return f"{self.key}@guanxi.demo"


DEPARTMENTS = {
    "sales": ("Sales 销售中心", None),
    "east": ("Sales East 华东销售部", "sales"),
    "north": ("Sales North 华北销售部", "sales"),
    "marketing": ("Marketing 市场部", None),
    "service": ("Customer service 客户服务部", None),
    "finance": ("Finance 财务部", None),
}

PEOPLE = (
    Person("admin", "Ada Lin 林爱达", "admin", None, None, "en", "Administrator"),
    Person("director", "Wang Lei 王磊", "sales_manager", "sales", None, "zh", "销售总监"),
    Person("manager", "Grace Hill", "sales_manager", "east", "director", "en", "Sales manager"),
    Person("manager2", "赵敏", "sales_manager", "north", "director", "zh", "销售经理"),
    Person("rep", "Tom Becker", "sales_rep", "east", "manager", "en", "Sales representative"),
    Person("rep2", "陈静", "sales_rep", "east", "manager", "zh", "销售代表"),
    Person("rep3", "Priya Patel", "sales_rep", "east", "manager", "en", "Sales representative"),
    Person("rep4", "刘洋", "sales_rep", "north", "manager2", "zh", "销售代表"),
    Person("rep5", "孙丽", "sales_rep", "north", "manager2", "zh", "销售代表"),
    Person("marketing", "Maya Rossi", "marketing", "marketing", None, "en", "Campaign manager"),
    Person("service", "周婷", "service_manager", "service", None, "zh", "客服经理"),
    Person("agent", "Ben Okafor", "service_agent", "service", "service", "en", "Service agent"),
    Person("finance", "吴芳", "finance", "finance", None, "zh", "会计"),
    Person("exec", "Helen Moore", "exec", None, None, "en", "Chief executive"),
    Person("designer", "何军", "biz_admin", None, None, "zh", "系统配置员"),
    Person("people", "Nora Weiss", "user_admin", None, None, "en", "People administrator"),
    Person("auditor", "郑强", "auditor", None, None, "zh", "审计员"),
)

TEAMS = {
    "Key accounts 大客户组": ("manager", ("manager", "rep", "rep4")),
    "New business 新客户组": ("manager2", ("rep2", "rep3", "rep5")),
}

SHOWN = (
    "admin", "manager", "rep", "marketing", "service", "agent", "finance", "exec", "designer", "people", "auditor",
)  # fmt: skip
"""Whose sign-ins are printed: one for each role."""

SELLERS = tuple(person.key for person in PEOPLE if person.role in {"sales_rep", "sales_manager"})
