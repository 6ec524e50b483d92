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
)

TEAMS = {
    "Key accounts 大客户组": ("manager", ("manager", "rep", "rep4")),
    "New business 新客户组": ("manager2", ("rep2", "rep3", "rep5")),
}

SHOWN = ("admin", "manager", "rep")
"""Whose sign-ins are printed: one for each role."""

SELLERS = tuple(person.key for person in PEOPLE if person.role != "admin")
