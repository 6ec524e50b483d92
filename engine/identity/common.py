"""Words that many take into their password, in English, in pinyin, and as the keys of a keyboard lie."""

from __future__ import annotations

WORDS = frozenset(
    """
    password passwort passwd passcode pass secret login logon signin admin administrator root user guest test demo
    welcome hello letmein changeme default master access super server system manager office company business qwerty
    qwertyuiop qwertz azerty asdfgh asdfghjkl asdf zxcvbn zxcvbnm zxcv qazwsx qazwsxedc qweasd qweasdzxc abc abcd
    abcde abcdef abcdefg abcdefgh abc123 a1b2c3 aaaa qqqq zzzz iloveyou loveyou love lovely princess sunshine dragon
    monkey football baseball basketball soccer hockey superman batman spiderman pokemon starwars matrix shadow
    killer hunter ranger tiger panther eagle falcon michael jennifer jordan thomas charlie robert daniel jessica
    andrew joshua george michelle nicole matthew summer winter spring autumn january february march april june july
    august september october november december monday tuesday wednesday thursday friday saturday sunday today china
    beijing shanghai guangzhou shenzhen hangzhou chengdu wuhan nanjing tianjin zhongguo woaini woaini1314 aini
    wohenni mima denglu yonghu guanliyuan caonima zhangsan lisi wangwu xiaoming nihao baobao baobei qinaide jintian
    mingtian gongsi kehu xiaoshou guanxi crm sales customer client computer internet google apple windows microsoft
    samsung huawei xiaomi trustno whatever freedom forever money cookie chocolate cheese banana orange purple silver
    golden diamond flower butterfly angel devil heaven blink blessed jesus christ family mother father
    """.split()  # noqa: SIM905 - a list of words reads best as one text
)
"""In lower case, without the figures that people put behind them."""

RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "1q2w3e4r5t6y7u8i9o0p",
)
"""What stands side by side, in the alphabet and on the keyboard; it counts backwards too."""

LOOKALIKES = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
"""Figures and marks that people write for letters."""
