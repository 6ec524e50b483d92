"""People who sign in: their passwords, second factors, sign-ins, tokens and links, and who reports to whom."""

from engine.identity.absence import Away
from engine.identity.identity import Identity
from engine.identity.links import Link
from engine.identity.people import Person
from engine.identity.sessions import Session, SignIn
from engine.identity.steps import SecondFactorNeeded, Step
from engine.identity.tokens import Token, check_token

__all__ = [
    "Away",
    "Identity",
    "Link",
    "Person",
    "SecondFactorNeeded",
    "Session",
    "SignIn",
    "Step",
    "Token",
    "check_token",
]
