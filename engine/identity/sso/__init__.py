"""Single sign-on: people whom a provider of the house vouches for. Its libraries come with the extra `sso`."""

from engine.identity.sso.service import SingleSignOn
from engine.identity.sso.settings import Provider

__all__ = ["Provider", "SingleSignOn"]
