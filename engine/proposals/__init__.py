"""Proposals: changes that an agent prepares and a person decides on, checked as if they were made."""

from engine.proposals.operations import Operation, OperationRefused, OperationsRefused, Preview
from engine.proposals.proposals import Decision, Proposals
from engine.proposals.store import Author, Proposal, ProposalPart

__all__ = [
    "Author",
    "Decision",
    "Operation",
    "OperationRefused",
    "OperationsRefused",
    "Preview",
    "Proposal",
    "ProposalPart",
    "Proposals",
]
