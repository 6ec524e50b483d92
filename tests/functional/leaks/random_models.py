"""Random metadata: a few entities with fields of every type, links, child rows, formulas and references."""

import random

PLAIN = (
    "{type: text, search: high}", "{type: text, max_length: 30}", "{type: longtext, search: low}", "{type: richtext}",
    "{type: number}", "{type: integer}", "{type: money, currency: CNY}", "{type: percent}", "{type: boolean}",
    "{type: date}", "{type: datetime}", "{type: time}", "{type: duration}", "{type: tags}", "{type: url}",
    "{type: select, options: {red: {}, green: {}, blue: {}}}", "{type: multiselect, options: {a: {}, b: {}}}",
    "{type: email, search: normal}", "{type: phone, search: normal}", "{type: secret}", "{type: address}",
    "{type: color}", "{type: rating}", "{type: json}", "{type: barcode}", "{type: file}",
    "{type: text, audit: false}", "{type: text, pii: true, hidden: true}",
)  # fmt: skip
FEATURES = ("[owned, history, search]", "[history, search]", "[owned]", "[owned, history, search, comments]", "[]")


def random_documents(dice: random.Random) -> str:
    """Return the documents of a site of three to five kinds of records."""
    keys = [f"thing{number}" for number in range(dice.randrange(3, 6))]
    parts: list[str] = []
    for number, key in enumerate(keys):
        parts += _entity(dice, key, keys[: number + 1], number)
    return "\n---\n".join(parts)


def _entity(dice: random.Random, key: str, before: list[str], number: int) -> list[str]:
    fields = [f"  f{place}: {kind}" for place, kind in enumerate(dice.sample(PLAIN, dice.randrange(5, 11)))]
    title = dice.choice(("name", "label"))
    fields.insert(0, f"  {title}: {{type: text, required: true, search: high}}")
    links: list[tuple[str, str]] = []
    for place in range(dice.randrange(0, 4)):
        target = dice.choice([*before, "user"])
        share = dice.choice(("", "", ", share: read", ", share: edit"))
        kind = dice.choice(("lookup", "lookup", "lookups"))
        if kind == "lookup":
            links.append((f"l{place}", target))
            fields.append(f"  l{place}: {{type: lookup, to: {target}, on_delete: clear{share}}}")
        else:
            share = share if target == "user" else ""
            fields.append(f"  l{place}: {{type: lookups, to: {target}{share}}}")
    if len(before) > 1 and dice.random() < 0.4:
        fields.append(f"  any: {{type: any_lookup, to: [{', '.join(before[:-1])}], on_delete: clear}}")
    for link, target in links:
        if target == "user":
            fields.append(f"  of_{link}: {{type: reference, of: {link}, field: email}}")
    fields.append(f'  told: {{type: formula, result: text, expr: "upper({title})"}}')
    children = []
    if dice.random() < 0.5:
        child = f"part{number}"
        fields.append(f"  parts: {{type: table, of: {child}}}")
        fields.append("  total: {type: rollup, of: parts, sum: amount}")
        children.append(
            f"entity: {child}\nparent: {key}\ntitle: what\nfields:\n"
            "  what: {type: text, required: true}\n  amount: {type: money, currency: CNY}\n  pin: {type: secret}"
        )
    head = f"entity: {key}\nplural: {key}s\ntitle: {title}\nfeatures: {dice.choice(FEATURES)}\nfields:\n"
    return [head + "\n".join(fields), *children]
